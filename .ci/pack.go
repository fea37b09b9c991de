//go:build ignore

// Pack writes a folder into an archive, .tar.gz or a zip under any other name:
// the same bytes for the same files, whoever runs it and when.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	when := flag.Int64("time", 0, "time of all files, in seconds since 1970")
	flag.Parse()
	if err := run(flag.Arg(0), flag.Arg(1), time.Unix(*when, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(folder, archive string, when time.Time) (err error) {
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	if strings.HasSuffix(archive, ".tar.gz") {
		return tarball(folder, out, when)
	}
	return zipped(folder, out, when)
}

// each calls add for every file below folder, in the order of the names.
func each(folder string, add func(name string, mode fs.FileMode, b []byte) error) error {
	return filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		return add(filepath.ToSlash(name), mode, b)
	})
}

func tarball(folder string, out io.Writer, when time.Time) error {
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	err = each(folder, func(name string, mode fs.FileMode, b []byte) error {
		h := &tar.Header{Name: path.Join(filepath.Base(folder), name), Mode: int64(mode), Size: int64(len(b)), ModTime: when, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return z.Close()
}

func zipped(folder string, out io.Writer, when time.Time) error {
	w := zip.NewWriter(out)
	err := each(folder, func(name string, mode fs.FileMode, b []byte) error {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: when}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	return w.Close()
}
