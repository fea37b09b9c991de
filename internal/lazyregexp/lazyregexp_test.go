package lazyregexp_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

func TestAnExpressionIsCompiledByItsFirstUse(t *testing.T) {
	t.Parallel()
	broken := lazyregexp.New("(")
	defer func() {
		if recover() == nil {
			t.Error("a broken expression is used without a panic")
		}
	}()
	if re := lazyregexp.New(`^a(b+)$`); !re.MatchString("abb") || re.FindStringSubmatch("abb")[1] != "bb" || re.ReplaceAllString("ab", "x$1") != "xb" {
		t.Errorf("%v doesn't match as regexp does", re.Compiled())
	}
	broken.MatchString("")
}

func TestParseRefusesWhatIsNoExpression(t *testing.T) {
	t.Parallel()
	if _, err := lazyregexp.Parse("a(b"); err == nil {
		t.Error("a broken expression is taken")
	}
	re, err := lazyregexp.Parse("^a+$")
	if err != nil || !re.MatchString("aa") || re.MatchString("ab") || re.String() != "^a+$" {
		t.Errorf("got %v, %v", re, err)
	}
}
