package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of C2SP's tiles; Go's paths name it, C2SP's do not

// proved reads the newest checkpoint and, through tiles alone, proves in its tree each entry and
// that each tree which ended with one of them is a prefix.
func (s served) proved(vkeys []string) error {
	text, err := s.get("checkpoint", "text/plain; charset=utf-8")
	if err != nil {
		return err
	}
	tree, err := checkpoint(string(text), vkeys)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, s)
	for i, index := range s.Indexes {
		record, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(s.Entries[i])
		if err := tlog.CheckRecord(record, tree.N, tree.Hash, index, leaf); err != nil {
			return err
		}
		if err := prefix(tree, index+1, reader); err != nil {
			return err
		}
	}
	return nil
}

func prefix(tree tlog.Tree, size int64, reader tlog.HashReader) error {
	older, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, size, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, size, older)
}

func (s served) Height() int { return height }

func (s served) SaveTiles([]tlog.Tile, [][]byte) {}

func (s served) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := s.get(path, "application/octet-stream")
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (s served) get(path, kind string) ([]byte, error) {
	answer, err := http.Get(s.Prefix + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != kind {
		return nil, fmt.Errorf("%s: %s, %s", path, answer.Status, answer.Header.Get("Content-Type"))
	}
	return io.ReadAll(answer.Body)
}
