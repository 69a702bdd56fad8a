package main

import "encoding/json"

type envelope struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time"`
	DataContentType string `json:"datacontenttype"`
	TraceParent     string `json:"traceparent,omitempty"`
}

type contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

type consultation struct {
	Reference string `json:"reference,omitempty"`
	Buyer     string `json:"buyer,omitempty"`
	Object    string `json:"object,omitempty"`
}

type request struct {
	RequestID    string        `json:"request_id"`
	Source       string        `json:"source"`
	SourceID     string        `json:"source_id"`
	Channel      string        `json:"channel"`
	Service      string        `json:"service,omitempty"`
	Profile      string        `json:"profile,omitempty"`
	Organisation string        `json:"organisation,omitempty"`
	Subject      string        `json:"subject"`
	Body         string        `json:"body"`
	Contact      contact       `json:"contact"`
	Consultation *consultation `json:"consultation,omitempty"`
	ReceivedAt   string        `json:"received_at"`
	Masked       int           `json:"masked"`
	Fingerprint  string        `json:"fingerprint"`
}

type received struct {
	envelope
	Data request `json:"data"`
}

type ticketData struct {
	RequestID string   `json:"request_id"`
	Decision  decision `json:"decision"`
	Request   *request `json:"request"`
}

type ticket struct {
	envelope
	Data ticketData `json:"data"`
}

func parse(value []byte) (*received, error) {
	var event received
	return &event, json.Unmarshal(value, &event)
}
