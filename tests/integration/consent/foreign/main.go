// Accepts or refuses what the log has signed and proved, with other people's libraries alone.
//
// It reads claims from standard input, one JSON object, and answers on standard output with one
// line a claim: "ok", or what is wrong with it.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// Claims are what our side says; hashes are base64, as JSON has bytes.
type claims struct {
	Vkeys       []string
	Checkpoints []string
	Inclusions  []inclusion
	Consistent  []consistency
}

type inclusion struct {
	Index, Size uint64
	Entry, Root []byte
	Proof       [][]byte
}

type consistency struct {
	Old, New         uint64
	OldRoot, NewRoot []byte
	Proof            [][]byte
}

func main() {
	var given claims
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, text := range given.Checkpoints {
		say(checkpoint(text, given.Vkeys))
	}
	for _, one := range given.Inclusions {
		leaf := rfc6962.DefaultHasher.HashLeaf(one.Entry)
		say(proof.VerifyInclusion(
			rfc6962.DefaultHasher, one.Index, one.Size, leaf, one.Proof, one.Root))
	}
	for _, one := range given.Consistent {
		say(proof.VerifyConsistency(
			rfc6962.DefaultHasher, one.Old, one.New, one.Proof, one.OldRoot, one.NewRoot))
	}
}

func say(err error) {
	if err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Println("ok")
}

// checkpoint opens the note with the keys handed over, and reads C2SP's three lines in it.
func checkpoint(text string, vkeys []string) error {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return fmt.Errorf("not a checkpoint of %s", opened.Sigs[0].Name)
	}
	if _, err := strconv.ParseUint(lines[1], 10, 64); err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err == nil && len(root) != rfc6962.DefaultHasher.Size() {
		err = fmt.Errorf("a root of %d bytes", len(root))
	}
	return err
}
