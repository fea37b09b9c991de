package zipcrypto_test

import (
	"encoding/hex"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/zipcrypto"
)

func TestWhatIsEncryptedIsDecrypted(t *testing.T) {
	t.Parallel()
	const text = "a sample that is handed on"
	b := []byte(text)
	in := zipcrypto.New("infected")
	in.Encrypt(b[:10])
	in.Encrypt(b[10:])
	if string(b) == text {
		t.Errorf("it is as it was: %s", hex.EncodeToString(b))
	}
	zipcrypto.New("infected").Decrypt(b)
	if string(b) != text {
		t.Errorf("got %q, want %q", b, text)
	}
}
