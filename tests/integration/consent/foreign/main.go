// Accepts or refuses what the log has signed and proved, with other people's libraries alone.
//
// It reads claims from standard input, one JSON object, and answers on standard output with one
// line a claim: "ok", or what is wrong with it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Claims are what our side says; hashes are base64, as JSON has bytes.
type claims struct {
	Vkeys       []string
	Checkpoints []string
	Inclusions  []inclusion
	Consistent  []consistency
	Served      []served
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

// Served is a log over HTTP, as it lies below its prefix, and entries that should be in it.
type served struct {
	Prefix  string
	Entries [][]byte
	Indexes []int64
}

func main() {
	var given claims
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, text := range given.Checkpoints {
		_, err := checkpoint(text, given.Vkeys)
		say(err)
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
	for _, one := range given.Served {
		say(one.proved(given.Vkeys))
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
func checkpoint(text string, vkeys []string) (tree tlog.Tree, err error) {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return tree, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return tree, fmt.Errorf("not a checkpoint of %s", opened.Sigs[0].Name)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}
