/**
 * What an engine's events say of its prefix cache: pure, handed bytes and the time.
 *
 * <p><b>Owns</b> the form of the events of vLLM's {@code --kv-events-config} (SGLang publishes the
 * same), and the book that is kept of one publisher. {@link io.penstock.kvevents.KvDecoder} reads
 * batches in both encodings, arrays and maps; {@link io.penstock.kvevents.KvBook} counts the blocks
 * that are held; {@link io.penstock.kvevents.KvStream} keeps the order: it sees gaps, asks for a
 * replay, recognises a publisher that has begun anew, and gives the book up where it can no more be
 * right. It <b>hears</b> the batches of {@code adapter.kvevents}, and <b>says</b> one {@link
 * io.penstock.message.KvCacheState}, a few numbers whatever the cache's size.
 *
 * <p><b>Decisions.</b> Blocks are counted, not named: an engine's hashes are of its tokens, ours
 * are of the prompt's text, and there is no tokenizer in this process, so which of our prompts a
 * block belongs to is not known and not guessed. What comes from outside is bounded and never
 * trusted: a batch that can not be read is counted and skipped. What can not be known is said: a
 * book that does not reach back to an empty cache is not {@code whole}.
 */
@NullMarked
package io.penstock.kvevents;

import org.jspecify.annotations.NullMarked;
