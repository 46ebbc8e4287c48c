package io.penstock.prefix;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Done;
import io.penstock.bus.KeptBook;
import io.penstock.bus.LiveSetting;
import io.penstock.bus.MarkForm;
import io.penstock.bus.MarkStore;
import io.penstock.bus.OrderException;
import io.penstock.inference.PromptPrefix;
import io.penstock.message.AskPrefixes;
import io.penstock.message.Message;
import io.penstock.message.PrefixMark;
import io.penstock.message.PrefixMarks;
import io.penstock.message.PrefixUses;
import io.penstock.message.Room;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's {@link KeptBook} of registered prefixes, and the count of how its requests used them.
 *
 * <p>When an entry throws, the book may be half changed. It is written anew from the marks that
 * were told last; what was lost with it, other nodes tell within seconds.
 */
public final class PrefixVerticle extends VerticleBase implements PrefixStore, Prefixes {
  /** How prefixes are written down. */
  public static final MarkForm<PrefixMark> FORM =
      new MarkForm<>(
          "prefixes",
          PrefixMarks::new,
          told -> told instanceof PrefixMarks marks ? marks.marks() : List.of());

  private static final Logger LOG = LoggerFactory.getLogger(PrefixVerticle.class);

  private final Bus bus;
  private final Clock clock;
  private final LiveSetting<PrefixRegister> register;
  private final KeptBook<PrefixMark> book;
  private final Counter rebuilt;

  // Touched only on this verticle's event loop.
  private final UseCounts counts = new UseCounts();
  private PrefixRegister ahead = PrefixRegister.EMPTY; // with what is not told yet
  private boolean isBehind; // there is more in the book

  /**
   * @param vertx on which it will be deployed
   * @param store where the book is kept; empty: in memory alone
   * @param unwrittenTold told why a change is not in the store, and when all are again; on its loop
   */
  public PrefixVerticle(
      Vertx vertx,
      Bus bus,
      Directory directory,
      Optional<MarkStore<PrefixMark>> store,
      Clock clock,
      MeterRegistry meters,
      Consumer<Optional<String>> unwrittenTold) {
    this.bus = bus;
    this.clock = clock;
    this.register = new LiveSetting<>(vertx, PrefixRegister.EMPTY);
    this.book =
        new KeptBook<>(
            FORM,
            PrefixOrders.MARKS_MAX,
            bus,
            directory,
            Room.PREFIX,
            store,
            new Ahead(),
            unwrittenTold);
    this.rebuilt = meters.counter(Names.VERTICLE_RESTARTS, "role", "prefixes");
    Gauge.builder(Names.PREFIXES, register, setting -> setting.now().size()).register(meters);
    Gauge.builder(Names.PREFIXES_UNWRITTEN, book, each -> each.isUnwritten() ? 1 : 0)
        .register(meters);
  }

  /** Makes the register that is ahead of what is told: whole, and only when it is asked for. */
  private final class Ahead implements KeptBook.Reader<PrefixMark> {
    @Override
    public void changed(List<PrefixMark> marks) {
      isBehind = true;
    }

    @Override
    public void anew(List<PrefixMark> marks, boolean isComplete) {
      isBehind = true;
    }

    @Override
    public Future<Void> tell() {
      PrefixRegister next = ahead();
      counts.keep(next);
      return register.become(next);
    }
  }

  private PrefixRegister ahead() {
    if (isBehind) {
      ahead = PrefixRegister.of(book.book().marks(), book.isComplete());
      isBehind = false;
    }
    return ahead;
  }

  /**
   * Reads the store; to be called once, before it is deployed. One that can't be reached is read
   * later: other nodes may know all of it.
   *
   * @return fails, in words, when what is stored is not as it was written
   */
  public Future<Void> load() {
    return book.load();
  }

  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    return book.start(vertx)
        .compose(x -> bus.consume(Room.PREFIX, 0, this::hear))
        .onSuccess(registration -> book.join());
  }

  private void rebuild(Throwable bug) {
    rebuilt.increment();
    book.rebuild(bug);
  }

  @Override
  public PrefixRegister now() {
    return register.now();
  }

  @Override
  public void used(PromptPrefix prefix, int cachedTokens) {
    context.runOnContext(
        turn -> {
          if (now().of(prefix.id()).isPresent()) {
            counts.add(UseCounts.of(prefix, cachedTokens));
          }
        });
  }

  @Override
  public Future<Done<PromptPrefix>> put(PromptPrefix prefix, boolean replaces) {
    return order(
        (orders, fresh) -> orders.put(fresh, prefix, replaces, clock.epochMillis()),
        (mark, fresh) -> prefix);
  }

  @Override
  public Future<Done<PromptPrefix>> remove(String id) {
    return order(
        (orders, fresh) -> orders.remove(fresh, id, clock.epochMillis()),
        (mark, fresh) -> fresh.of(id).orElseThrow());
  }

  private Future<Done<PromptPrefix>> order(
      BiFunction<PrefixOrders, PrefixRegister, PrefixMark> what,
      BiFunction<PrefixMark, PrefixRegister, PromptPrefix> answer) {
    Promise<Done<PromptPrefix>> done = Promise.promise();
    context.runOnContext(
        turn -> {
          try {
            PrefixRegister fresh = ahead();
            PrefixMark mark = what.apply(new PrefixOrders(bus.self(), book.book()), fresh);
            PromptPrefix result = answer.apply(mark, fresh);
            book.order(List.of(mark)).map(why -> new Done<>(result, why)).onComplete(done);
          } catch (OrderException no) {
            done.fail(no);
          } catch (RuntimeException bug) {
            done.fail(bug);
            throw bug;
          }
        });
    return done.future();
  }

  private void hear(Message message) {
    if (message instanceof AskPrefixes question) {
      bus.send(question.replyTo(), new PrefixUses(question.question(), bus.self(), counts.all()));
    } else if (!book.hear(message)) {
      LOG.warn(
          "{} is no message for a book of prefixes; dropped", message.getClass().getSimpleName());
    }
  }
}
