package io.penstock.bus;

import io.penstock.message.BookDigest;
import io.penstock.message.Mark;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link Book} that outlives the cluster: read from its {@link MarkStore}, kept equal with the
 * other nodes' by {@link Gossip}, told to the rest of the node at once and written back as soon as
 * the store is free; many changes are told and written together, at a cost that goes by what has
 * changed and hardly by how much there is. What can not be written holds all the same, and is tried
 * again until it can. Owned by one verticle, which hands it the messages of its room; all but
 * {@link #load} and {@link #isUnwritten} on its event loop.
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
  private final Consumer<Optional<String>> unwrittenTold;
  private final AtomicBoolean unwritten = new AtomicBoolean(); // read by the scrape

  private List<M> stored = List.of(); // before it is started
  private boolean isUnread; // before it is started, then on its event loop

  private @Nullable Vertx vertx;
  private @Nullable Context context;
  private Book<M> book;
  private final Map<String, M> known = new HashMap<>(); // told, by target
  private final List<M> untold = new ArrayList<>();
  private boolean isTellDue;
  private Promise<Void> told = Promise.promise();
  private final Map<String, M> unsaved = new LinkedHashMap<>(); // by target
  private boolean isAllUnsaved;
  private boolean isWriting;
  private boolean isWriteDue;
  private boolean isAgainDue;
  private Promise<Optional<String>> written = Promise.promise(); // with a warning

  /**
   * Who goes by the book; on its event loop.
   *
   * @param <M> what is marked
   */
  public interface Reader<M> {
    /** These are in it that were not before, each later than any before it on its target. */
    void changed(List<M> marks);

    /**
     * Whatever was said before, these are in it.
     *
     * @param isComplete whether the store has been read, so that there are no other marks
     */
    void anew(List<M> marks, boolean isComplete);

    /**
     * All that was said up to now is to hold.
     *
     * @return completes when the whole node goes by it
     */
    Future<Void> tell();
  }

  /**
   * @param marksMax most marks, those that undo others included
   * @param room that the book's messages are sent to
   * @param store empty: in memory alone
   * @param unwrittenTold told why a change is not in the store, and when all are again; on its loop
   */
  public KeptBook(
      MarkForm<M> form,
      int marksMax,
      Bus bus,
      Directory directory,
      Room room,
      Optional<MarkStore<M>> store,
      Reader<M> reader,
      Consumer<Optional<String>> unwrittenTold) {
    this.unwrittenTold = unwrittenTold;
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
    return anew();
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
      vertx()
          .setPeriodic(
              in.renewal().toMillis(),
              due -> {
                isAllUnsaved = true;
                soonWritten();
              });
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
          isAllUnsaved = true;
          anew();
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

  /** Whether the store has been read. */
  public boolean isComplete() {
    return !isUnread;
  }

  /** Whether what has changed is not in the store; any thread. */
  public boolean isUnwritten() {
    return unwritten.get();
  }

  /**
   * Somebody at this node has ordered something.
   *
   * @return completes when this node goes by it, the others have been told, and it is in the store;
   *     or with why it is not there, in words
   */
  public Future<Optional<String>> order(List<M> marks) {
    changed(book.merge(marks));
    gossip.said(marks);
    Future<Optional<String>> saved = soonWritten();
    return soonTold().compose(x -> saved);
  }

  /** A message of the room; false where it is none for a book of this kind. */
  public boolean hear(Message message) {
    if (message instanceof BookDigest digest) {
      gossip.heard(digest);
      return true;
    }
    List<M> marks = form.unwrap().apply(message);
    List<M> news = book.merge(marks);
    if (!news.isEmpty()) {
      gossip.learned();
      changed(news);
      soonWritten();
    }
    return !marks.isEmpty();
  }

  /** Marks are in the book that were not before. */
  private void changed(List<M> marks) {
    marks.forEach(mark -> unsaved.put(mark.target(), mark));
    if (book.isFull()) {
      anew(); // it may have forgotten some
      return;
    }
    untold.addAll(marks);
    reader.changed(marks);
    soonTold();
  }

  /**
   * All is told again; O(n log n).
   *
   * @return completes when the node goes by it
   */
  public Future<Void> anew() {
    known.clear();
    untold.clear();
    untold.addAll(book.marks());
    reader.anew(List.copyOf(untold), !isUnread);
    return soonTold();
  }

  /**
   * Writes the book anew from the marks that were told last, since it may be half changed; what was
   * lost with it, other nodes tell within seconds.
   *
   * @param bug that was thrown
   */
  public void rebuild(Throwable bug) {
    LOG.error(
        "the book of {} failed; it is written anew from its {} marks",
        form.name(),
        known.size(),
        bug);
    Book<M> next = empty();
    next.merge(List.copyOf(known.values()));
    book = next;
    isAllUnsaved = true;
    anew();
    soonWritten();
  }

  /** Completes when this node goes by the book of now. */
  private Future<Void> soonTold() {
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
    untold.forEach(mark -> known.put(mark.target(), mark));
    untold.clear();
    reader.tell().onComplete(waiting);
  }

  /** Completes when the book of now is in the store, or with why it is not. */
  private Future<Optional<String>> soonWritten() {
    if (store.isEmpty()) {
      return Future.succeededFuture(Optional.empty());
    }
    Future<Optional<String>> future = written.future();
    isWriteDue = true;
    if (!isWriting) {
      write(store.get());
    }
    return future;
  }

  private void write(MarkStore<M> to) {
    isWriting = true;
    isWriteDue = false;
    Promise<Optional<String>> waiting = written;
    written = Promise.promise();
    boolean all = isAllUnsaved || !to.takes(unsaved.size());
    List<M> marks = all ? book.marks() : List.copyOf(unsaved.values());
    List<M> saving = List.copyOf(unsaved.values());
    unsaved.clear();
    isAllUnsaved = false;
    here(
        to.write(marks, all),
        done -> {
          isWriting = false;
          if (done.failed()) {
            saving.forEach(mark -> unsaved.putIfAbsent(mark.target(), mark));
            isAllUnsaved |= all;
            notWritten(to, done.cause(), waiting);
          } else if (done.result()) {
            isWritten(to, waiting);
          } else {
            isAllUnsaved = true;
            soonWritten().onComplete(waiting);
          }
          if (isWriteDue && !isWriting) {
            write(to);
          }
        });
  }

  private void isWritten(MarkStore<M> to, Promise<Optional<String>> waiting) {
    if (unwritten.getAndSet(false)) {
      LOG.info("all {} are in {} again", form.name(), to);
      unwrittenTold.accept(Optional.empty());
    }
    waiting.complete(Optional.empty());
  }

  private void notWritten(MarkStore<M> to, Throwable cause, Promise<Optional<String>> waiting) {
    LOG.error("the {} could not be written to {}; tried again soon", form.name(), to, cause);
    String why =
        "all nodes go by it now, but it could not be written to "
            + to
            + ": "
            + cause
            + "; while that is so, it is lost when all nodes are down at once";
    unwritten.set(true);
    unwrittenTold.accept(Optional.of(to + ": " + cause));
    waiting.complete(Optional.of(why));
    if (!isAgainDue) {
      isAgainDue = true;
      vertx()
          .setTimer(
              WRITE_AGAIN_MILLIS,
              due -> {
                isAgainDue = false;
                soonWritten();
              });
    }
  }

  private Vertx vertx() {
    return Objects.requireNonNull(vertx);
  }
}
