// The router in franz-go: consume, decide, produce and commit offsets in one transaction a poll.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	rules, err := readRules(setting("RULES"))
	if err != nil {
		log.Fatal(err)
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(setting("BOOTSTRAP")),
		kgo.TransactionalID(setting("GROUP")),
		kgo.ConsumerGroup(setting("GROUP")),
		kgo.ConsumeTopics(setting("REQUESTS")),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(),
		// A transaction that begins while the broker still ends the last one is tried again after
		// a look at the metadata, which by default is not taken more often than every 5 s.
		kgo.MetadataMinAge(20*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	until, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	topics := map[string]string{"marketplace": setting("MARKETPLACE"), "general": setting("GENERAL")}
	for until.Err() == nil {
		if err := answer(until, session, rules, topics); err != nil && until.Err() == nil {
			log.Fatal(err)
		}
	}
}

// answer handles what one poll brings.
func answer(
	until context.Context, session *kgo.GroupTransactSession, rules rules, topics map[string]string,
) error {
	fetches := session.PollFetches(until)
	if err := fetches.Err(); err != nil {
		return err
	}
	if err := session.Begin(); err != nil {
		return err
	}
	ctx := context.Background()
	promise := kgo.AbortingFirstErrPromise(session.Client())
	var failed error
	fetches.EachRecord(func(record *kgo.Record) {
		queue, value, err := rules.ticket(record.Value)
		if err != nil {
			failed = err
			return
		}
		made := &kgo.Record{Topic: topics[queue], Key: record.Key, Value: value}
		session.Produce(ctx, made, promise.Promise())
	})
	if failed != nil {
		return failed
	}
	_, err := session.End(ctx, promise.Err() == nil)
	return err
}

func setting(name string) string {
	return os.Getenv("BENCH_" + name)
}
