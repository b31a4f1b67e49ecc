package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"regexp"
)

// The content id of a disk is the line CID of its descriptor: "a random 32-bit value updated the first time the content
// of the virtual disk is modified after the virtual disk is opened" (VMware Virtual Disk Format 5.0). A VM that is
// powered on here is taken to write to each of its disks.

var contentIDLine = regexp.MustCompile(`(?m)^CID=([0-9a-fA-F]*)$`)

const neverWritten = "fffffffe"

func (s *sim) contentID(file string) string {
	text, _ := os.ReadFile(s.onHost(file))
	if found := contentIDLine.FindSubmatch(text); found != nil {
		return string(found[1])
	}
	return neverWritten
}

func (s *sim) setContentID(file, id string) error {
	text, err := os.ReadFile(s.onHost(file))
	if err != nil {
		return err
	}
	line := []byte("CID=" + id)
	if contentIDLine.Match(text) {
		text = contentIDLine.ReplaceAll(text, line)
	} else {
		text = append([]byte("# Disk DescriptorFile\nversion=1\n"+string(line)+"\nparentCID=ffffffff\n"), text...)
	}
	return os.WriteFile(s.onHost(file), text, 0o600)
}

func (s *sim) renewContentID(file string) error {
	id := make([]byte, 4)
	_, _ = rand.Read(id)
	return s.setContentID(file, hex.EncodeToString(id))
}
