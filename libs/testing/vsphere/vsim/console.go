package main

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"
)

// console is a shell on the serial port of a guest: one command after the other.
type console struct {
	connection net.Conn
	turn       sync.Mutex
	seen       string
	up         chan struct{}
}

var errNotUp = errors.New("the guest is not up")

func newConsole(connection net.Conn, spec guestSpec) *console {
	c := &console{connection: connection, up: make(chan struct{})}
	go func() {
		if c.logIn(spec) == nil {
			close(c.up)
		}
	}()
	return c
}

func (c *console) logIn(spec guestSpec) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	if _, err := c.expect("login:", 3*time.Minute); err != nil {
		return err
	}
	c.send(spec.User)
	if _, err := c.expect("assword:", time.Minute); err != nil {
		return err
	}
	c.send(spec.Password)
	if _, err := c.expect("# ", time.Minute); err != nil {
		return err
	}
	// A shell that edits no lines and shows no prompt: what is read is what was printed.
	c.send("stty -echo; PS1= PS2= exec sh")
	_, err := c.say("true")
	return err
}

// run waits until the guest is up, and answers what the command printed.
func (c *console) run(command string) (string, error) {
	select {
	case <-c.up:
	case <-time.After(3 * time.Minute):
		return "", errNotUp
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.say(command)
}

func (c *console) say(command string) (string, error) {
	// Written so that the echo of the line itself is not taken for the end.
	c.send("{ " + command + "\n}; echo \"E\"\"ND=$?\"")
	match, err := c.expect(`END=(\d+)`, 2*time.Minute)
	if err != nil {
		return "", err
	}
	printed := strings.TrimSpace(strings.ReplaceAll(match[0], "\r", ""))
	if match[1] != "0" {
		return printed, fmt.Errorf("%q ended with %s in the guest: %s", command, match[1], printed)
	}
	return printed, nil
}

// shutDown types a command whose end is the guest's. It answers whether there is a shell that reads it.
func (c *console) shutDown() bool {
	select {
	case <-c.up:
		c.send("busybox sync; busybox poweroff")
		return true
	default:
		return false
	}
}

func (c *console) send(line string) { _, _ = c.connection.Write([]byte(line + "\n")) }

// expect answers what came before the match, and its first group; what was seen until then is forgotten.
func (c *console) expect(pattern string, limit time.Duration) ([2]string, error) {
	wanted := regexp.MustCompile(pattern)
	_ = c.connection.SetReadDeadline(time.Now().Add(limit))
	buffer := make([]byte, 4096)
	for {
		if at := wanted.FindStringSubmatchIndex(c.seen); at != nil {
			found := [2]string{c.seen[:at[0]], ""}
			if len(at) > 2 {
				found[1] = c.seen[at[2]:at[3]]
			}
			c.seen = c.seen[at[1]:]
			return found, nil
		}
		n, err := c.connection.Read(buffer)
		if err != nil {
			return [2]string{}, fmt.Errorf("%q did not come on the console: %w", pattern, err)
		}
		c.seen += string(buffer[:n])
	}
}
