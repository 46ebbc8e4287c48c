package io.penstock.ingress;

import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.openai.ResumeRefusal;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.StreamRelay;
import io.penstock.stream.StreamResume;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Going on with a stream at another replica, as one exchange sees it: the {@link StreamResume} of
 * the stream, how the stream broke, and what of that is counted and told.
 */
final class Resumption {
  private final Books books;
  private final StreamResume core;
  private @Nullable Failure broke;

  /** Why the last replica that was granted could not be asked. */
  private Optional<ResumeRefusal> unable = Optional.empty();

  Resumption(Books books, Pool pool, ScannedBody scan, boolean wanted) {
    this.books = books;
    this.core = new StreamResume(scan, pool.resume(), wanted);
  }

  /**
   * These frames have been written to the client.
   *
   * @return whether the stream may still go on elsewhere, which takes the request's body
   */
  boolean relayed(List<Slice> frames) {
    core.relayed(frames);
    return core.refusal().isEmpty();
  }

  /**
   * An attempt has failed after the commit.
   *
   * @param again whether it was one that was to go on with the stream and sent nothing of it
   * @param body of the request; null once nothing could send it again
   * @return why the stream does not go on, for the client; empty when another may be asked
   */
  Optional<String> broke(
      Attempt over, StreamRelay relay, Failure failure, boolean again, byte @Nullable [] body) {
    PoolName pool = over.pool().name();
    if (again) {
      books.resumeFailed(pool);
    } else {
      broke = failure;
    }
    Optional<ResumeRefusal> no = body == null ? core.refusal() : core.broke(body, relay);
    if (!again) {
      no.ifPresent(why -> books.resumeRefused(pool, why.label()));
    }
    return no.map(why -> (again ? "then " + failure.message() + "; " : "") + notResumed(why));
  }

  /** Whether the granted replica can go on; where it can not, another may. */
  boolean canGoOn(Pool pool, Grant granted) {
    unable = core.refusedBy(pool.engine(), granted.continuesMessages());
    return unable.isEmpty();
  }

  /**
   * No further replica is to be had, and the error that ends the stream is {@link #error}.
   *
   * @param message of who says so
   * @return why the stream does not go on, for the client
   */
  String nobody(PoolName pool, String message) {
    if (unable.isPresent()) {
      books.resumeRefused(pool, unable.get().label());
      return notResumed(unable.get());
    }
    failed(pool);
    return "no other replica could go on: " + message;
  }

  private static String notResumed(ResumeRefusal why) {
    return "it could not be resumed: " + why.sentence();
  }

  /** The body for the granted replica. */
  Buffer body(Pool pool, Grant granted, ScannedBody scan) {
    return EngineRequest.rest(core, granted, scan, pool);
  }

  /** The relay for what it answers. */
  StreamRelay relay(UsageReporting client, UsageReporting engine) {
    return core.relay(client, engine);
  }

  /** The granted replica has gone on. */
  void resumed(PoolName pool, long gapMillis) {
    books.resumed(pool, gapMillis);
  }

  /** Nobody has gone on; the error that ends the stream is {@link #error}. */
  void failed(PoolName pool) {
    books.resumeFailed(pool);
  }

  /** How the stream broke, and why it did not go on. */
  FinalError error(String why) {
    if (broke == null) {
      throw new IllegalStateException("the stream has not broken");
    }
    return FinalError.broken(broke, why);
  }

  /** Of all attempts, as far as the client was sent what they generated. */
  TokenUsage usage() {
    return core.usage();
  }
}
