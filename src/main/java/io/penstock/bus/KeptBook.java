package io.penstock.bus;

import io.penstock.fault.Fault;
import io.penstock.message.BookDigest;
import io.penstock.message.Mark;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link Book} that outlives the cluster: read from its {@link MarkStore}, kept equal with the
 * other nodes' by {@link Gossip}, told to the rest of the node and written back whenever it has
 * changed. Many changes are told and written together. Owned by one verticle, which hands it the
 * messages of its room; all but {@link #load} and {@link #isUnwritten} on its event loop.
 *
 * @param <M> what is marked
 */
public final class KeptBook<M extends Mark> {
  /** How long a change waits for others, to be told together with them. */
  private static final long TELL_MILLIS = 5;

  /** After the store could not be written. */
  private static final long WRITE_AGAIN_MILLIS = 5_000;

  /** After it could not be read. */
  private static final long READ_AGAIN_MILLIS = 1_000;

  private static final Logger LOG = LoggerFactory.getLogger(KeptBook.class);

  private final MarkForm<M> form;
  private final int marksMax;
  private final Optional<MarkStore<M>> store;
  private final Gossip<M> gossip;
  private final Reader<M> reader;
  private final AtomicBoolean unwritten = new AtomicBoolean(); // read by the scrape

  private List<M> stored = List.of(); // before it is started
  private boolean isUnread; // before it is started, then on its event loop

  private @Nullable Vertx vertx;
  private @Nullable Context context;
  private Book<M> book;
  private List<M> known = List.of();
  private boolean isTellDue;
  private Promise<Void> told = Promise.promise();
  private boolean isWriting;
  private boolean isWriteDue;
  private Promise<Void> written = Promise.promise();

  /**
   * Who goes by the book.
   *
   * @param <M> what is marked
   */
  public interface Reader<M> {
    /**
     * What is in it now.
     *
     * @param isComplete whether the store has been read, so that there are no other marks
     * @return completes when the whole node goes by it
     */
    Future<Void> read(List<M> marks, boolean isComplete);
  }

  /**
   * @param marksMax most marks, those that undo others included
   * @param room that the book's messages are sent to
   * @param store empty: in memory alone
   */
  public KeptBook(
      MarkForm<M> form,
      int marksMax,
      Bus bus,
      Directory directory,
      Room room,
      Optional<MarkStore<M>> store,
      Reader<M> reader) {
    this.form = form;
    this.marksMax = marksMax;
    this.store = store;
    this.reader = reader;
    this.book = empty();
    this.gossip =
        new Gossip<>(
            bus, directory, room, () -> this.book, marks -> form.wrap().apply(bus.self(), marks));
  }

  private Book<M> empty() {
    return new Book<>(marksMax, (a, b) -> 0);
  }

  /**
   * Reads the store; to be called once, before {@link #start}. One that can't be reached is read
   * later: other nodes may know all of it.
   *
   * @return fails, in words, when what is stored is not as it was written
   */
  public Future<Void> load() {
    return store.map(this::load).orElseGet(Future::succeededFuture);
  }

  private Future<Void> load(MarkStore<M> from) {
    return from.read()
        .map(
            marks -> {
              stored = marks;
              LOG.info("{} {} are in {}", marks.size(), form.name(), from);
              return (Void) null;
            })
        .recover(
            cause -> {
              if (cause instanceof UnreadableBookException) {
                return Future.failedFuture(cause);
              }
              LOG.error(
                  "the {} in {} can not be read; until they can, those that this node does not know"
                      + " are answered with 503",
                  form.name(),
                  from,
                  cause);
              isUnread = true;
              return Future.succeededFuture();
            });
  }

  /**
   * Tells the reader what was loaded; {@link #join} begins to talk to the others.
   *
   * @return completes when the node goes by it
   */
  public Future<Void> start(Vertx on) {
    vertx = on;
    context = on.getOrCreateContext();
    book.merge(stored);
    known = book.marks();
    return reader.read(known, !isUnread);
  }

  /** Begins to tell and to ask the other nodes, and to write. */
  public void join() {
    gossip.start(vertx());
    store.ifPresent(this::keep);
  }

  private void keep(MarkStore<M> in) {
    if (isUnread) {
      vertx().setTimer(READ_AGAIN_MILLIS, due -> readAgain(in));
    }
    if (!in.renewal().isZero()) {
      vertx().setPeriodic(in.renewal().toMillis(), due -> soonWritten());
    }
  }

  private void readAgain(MarkStore<M> from) {
    here(
        from.read(),
        done -> {
          if (done.failed()) {
            vertx().setTimer(READ_AGAIN_MILLIS, due -> readAgain(from));
            return;
          }
          isUnread = false;
          LOG.info("{} {} are in {}", done.result().size(), form.name(), from);
          if (!book.merge(done.result()).isEmpty()) {
            gossip.learned();
          }
          soonTold();
          soonWritten();
        });
  }

  /** A store answers on whatever thread it has. */
  private <T> void here(Future<T> answer, Consumer<AsyncResult<T>> then) {
    Context own = Objects.requireNonNull(context);
    answer.onComplete(done -> own.runOnContext(turn -> then.accept(done)));
  }

  /** The book of now, changes that are about to be told included. */
  public Book<M> book() {
    return book;
  }

  /** What was told last. */
  public List<M> known() {
    return known;
  }

  /** Whether the store has been read. */
  public boolean isComplete() {
    return !isUnread;
  }

  /** Whether there are changes that have not been told yet. */
  public boolean isTellDue() {
    return isTellDue;
  }

  /** Whether what has changed is not in the store; any thread. */
  public boolean isUnwritten() {
    return unwritten.get();
  }

  /**
   * Somebody at this node has ordered something.
   *
   * @return completes when this node goes by it, the others have been told, and it is in the store;
   *     fails with {@link OrderException} when the store does not take it
   */
  public Future<Void> order(List<M> marks) {
    marks.forEach(book::take);
    gossip.said(marks);
    return Future.join(soonTold(), soonWritten()).mapEmpty();
  }

  /** A message of the room; false where it is none for a book of this kind. */
  public boolean hear(Message message) {
    if (message instanceof BookDigest digest) {
      gossip.heard(digest);
      return true;
    }
    List<M> marks = form.unwrap().apply(message);
    if (!book.merge(marks).isEmpty()) {
      gossip.learned();
      soonTold();
      soonWritten();
    }
    return !marks.isEmpty();
  }

  /**
   * Writes the book anew from the marks that were told last, since it may be half changed; what was
   * lost with it, other nodes tell within seconds.
   */
  public void rebuild() {
    Book<M> next = empty();
    next.merge(known);
    book = next;
    soonTold();
  }

  /** Completes when this node goes by the book of now. */
  public Future<Void> soonTold() {
    if (!isTellDue) {
      isTellDue = true;
      vertx().setTimer(TELL_MILLIS, due -> tell());
    }
    return told.future();
  }

  private void tell() {
    isTellDue = false;
    Promise<Void> waiting = told;
    told = Promise.promise();
    known = book.marks();
    reader.read(known, !isUnread).onComplete(waiting);
  }

  /** Completes when the book of now is in the store. */
  private Future<Void> soonWritten() {
    if (store.isEmpty()) {
      return Future.succeededFuture();
    }
    Future<Void> future = written.future();
    isWriteDue = true;
    if (!isWriting) {
      write(store.get());
    }
    return future;
  }

  private void write(MarkStore<M> to) {
    isWriting = true;
    isWriteDue = false;
    Promise<Void> waiting = written;
    written = Promise.promise();
    here(
        to.write(book.marks()),
        done -> {
          isWriting = false;
          unwritten.set(done.failed());
          if (done.succeeded()) {
            waiting.complete();
          } else {
            notWritten(to, done.cause(), waiting);
          }
          if (isWriteDue) {
            write(to);
          }
        });
  }

  private void notWritten(MarkStore<M> to, Throwable cause, Promise<Void> waiting) {
    LOG.error("the {} could not be written to {}; tried again soon", form.name(), to, cause);
    waiting.fail(
        new OrderException(
            Fault.INTERNAL,
            "all nodes go by it now, but it could not be written to "
                + to
                + ": "
                + cause
                + "; while that is so, it is lost when all nodes are down at once",
            ""));
    vertx().setTimer(WRITE_AGAIN_MILLIS, due -> soonWritten());
  }

  private Vertx vertx() {
    return Objects.requireNonNull(vertx);
  }
}
