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
