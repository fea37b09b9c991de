package misp

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 defines version 5 so; it protects nothing
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// attributeUUID is the UUID (version 5) under which a value is added to an
// event: the same value always gets the same one, so that adding it again
// can't make a second attribute.
func attributeUUID(event, typ, value string) (string, error) {
	space, err := hex.DecodeString(strings.ReplaceAll(event, "-", ""))
	if err != nil || len(space) != 16 {
		return "", fmt.Errorf("misp: the event's UUID %q isn't one", clip.Text(event, 60))
	}
	h := sha1.New() //nolint:gosec // see above
	h.Write(space)
	h.Write([]byte(typ + "\x00" + value))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}
