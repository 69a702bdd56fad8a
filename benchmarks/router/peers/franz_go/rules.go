package main

import (
	"encoding/json"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

type rule struct {
	Name   string   `json:"name"`
	Queue  string   `json:"queue"`
	Weight float64  `json:"weight"`
	Words  []string `json:"words"`
}

type scores struct {
	Marketplace float64 `json:"marketplace"`
	General     float64 `json:"general"`
}

type decision struct {
	Queue  string   `json:"queue"`
	Rule   string   `json:"rule"`
	Words  []string `json:"words"`
	Scores scores   `json:"scores"`
}

// rules finds the rule of a word.
type rules map[string]*rule

func readRules(file string) (rules, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var declared struct {
		Rules []*rule `json:"rules"`
	}
	if err := json.Unmarshal(content, &declared); err != nil {
		return nil, err
	}
	byWord := rules{}
	for _, one := range declared.Rules {
		for _, word := range one.Words {
			byWord[fold(word)] = one
		}
	}
	return byWord, nil
}

// ticket returns the queue and the ticket event of a request event.
func (r rules) ticket(value []byte) (string, []byte, error) {
	event, err := parse(value)
	if err != nil {
		return "", nil, err
	}
	decided := r.decide(event.Data.Subject, event.Data.Body)
	made := ticket{
		envelope: envelope{
			SpecVersion:     "1.0",
			ID:              "ticket-" + event.Subject,
			Source:          "/benchmark/peer",
			Type:            "assistance.ticket.created.v1",
			Subject:         event.Subject,
			Time:            time.Now().UTC().Format(time.RFC3339Nano),
			DataContentType: "application/json",
			TraceParent:     event.TraceParent,
		},
		Data: ticketData{RequestID: event.Subject, Decision: decided, Request: &event.Data},
	}
	written, err := json.Marshal(made)
	return decided.Queue, written, err
}

func (r rules) decide(subject, body string) decision {
	decided := decision{Queue: "general", Rule: "default", Words: []string{}}
	weights := map[*rule]float64{}
	for _, word := range strings.FieldsFunc(fold(subject+"\n"+body), isNoWord) {
		found := r[word]
		if found == nil || contains(decided.Words, word) {
			continue
		}
		decided.Words = append(decided.Words, word)
		weights[found] += found.Weight
		if found.Queue == "marketplace" {
			decided.Scores.Marketplace += found.Weight
		} else {
			decided.Scores.General += found.Weight
		}
	}
	if decided.Scores.Marketplace > decided.Scores.General {
		decided.Queue = "marketplace"
	}
	heaviest := 0.0
	for one, weight := range weights {
		if one.Queue == decided.Queue && weight > heaviest {
			decided.Rule, heaviest = one.Name, weight
		}
	}
	return decided
}

func contains(words []string, word string) bool {
	for _, one := range words {
		if one == word {
			return true
		}
	}
	return false
}

func isNoWord(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9')
}

// fold returns the text in lower case, without accents.
func fold(text string) string {
	var folded strings.Builder
	folded.Grow(len(text))
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		if r <= unicode.MaxASCII {
			folded.WriteRune(r)
		}
	}
	return folded.String()
}
