package io.penstock.app;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.admin.AdminConfig;
import io.penstock.admin.NodeControl.Reload;
import io.penstock.bus.ClusterNode;
import io.penstock.config.Advice;
import io.penstock.config.Loaded;
import io.penstock.config.Mistake;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Fleet;
import io.penstock.telemetry.Names;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the node go by its file as it is now. One reading at a time: whoever asks meanwhile gets the
 * answer of the next, which begins when this one has ended and so sees what the file was when it
 * was asked for. A file with a mistake changes nothing. Thread-safe.
 */
final class Reloads {
  private static final Logger log = LoggerFactory.getLogger(Reloads.class);

  private final Vertx vertx;
  private final Context context;
  private final ClusterNode cluster;
  private final Settings settings;
  private final SimulatedPools simulated;
  private final Optional<Supplier<Loaded>> file;
  private final NodeConfig started;
  private final MeterRegistry meters;
  private final AtomicReference<NodeConfig> running;

  // These are touched on the context only.
  private NodeConfig effective;
  private boolean isReading;
  private @Nullable Promise<Reload> next;

  /**
   * @param file reads it; blocking; absent for a node that was started without one
   * @param started as the file was then
   * @param running the same with the ports that were taken and simulated engines listed
   */
  Reloads(
      ClusterNode cluster,
      Settings settings,
      SimulatedPools simulated,
      Optional<Supplier<Loaded>> file,
      NodeConfig started,
      NodeConfig running,
      MeterRegistry meters) {
    this.vertx = cluster.vertx();
    this.context = vertx.getOrCreateContext();
    this.cluster = cluster;
    this.settings = settings;
    this.simulated = simulated;
    this.file = file;
    this.started = started;
    this.effective = started;
    this.running = new AtomicReference<>(running);
    this.meters = meters;
  }

  /** What the node goes by. */
  NodeConfig running() {
    return Objects.requireNonNull(running.get());
  }

  /** Completes when every part of the node goes by the file, or with the mistakes in it. */
  Future<Reload> reload() {
    Promise<Reload> asked = Promise.promise();
    context.runOnContext(
        turn -> {
          if (!isReading) {
            read(asked);
            return;
          }
          if (next == null) {
            next = Promise.promise();
          }
          next.future().onComplete(asked);
        });
    return asked.future();
  }

  private void read(Promise<Reload> asked) {
    isReading = true;
    once()
        .onComplete(
            done ->
                context.runOnContext(
                    turn -> {
                      isReading = false;
                      Promise<Reload> waiting = next;
                      next = null;
                      asked.handle(done);
                      if (waiting != null) {
                        read(waiting);
                      }
                    }));
  }

  private Future<Reload> once() {
    if (file.isEmpty()) {
      return Future.succeededFuture(refused(List.of("this node was not started from a file")));
    }
    Supplier<Loaded> reader = file.get();
    return vertx
        .executeBlocking(reader::get)
        .compose(
            loaded ->
                loaded.fold(
                    ok -> take(ok.config(), ok.advice()),
                    failed ->
                        Future.succeededFuture(
                            refused(failed.mistakes().stream().map(Mistake::toString).toList()))))
        .onFailure(
            bug -> {
              count("failed");
              log.error("the configuration could not be read again", bug);
            });
  }

  private Reload refused(List<String> mistakes) {
    count("mistakes");
    log.error(
        "the configuration was not read again, nothing was changed: {}",
        String.join("; ", mistakes));
    return new Reload(List.of(), List.of(), List.of(), mistakes, running().fleet().hash());
  }

  private Future<Reload> take(NodeConfig read, List<Advice> advice) {
    Optional<String> mistake = SimulatedPools.mistake(read);
    if (mistake.isPresent()) {
      return Future.succeededFuture(refused(List.of(mistake.get())));
    }
    Changes changes = Changes.of(started, effective, read);
    return simulated
        .list(changes.next().fleet())
        .compose(
            listed -> apply(changes, listed, advice),
            e ->
                Future.succeededFuture(
                    refused(List.of("simulated engines can not be started: " + e.getMessage()))));
  }

  private Future<Reload> apply(Changes changes, Fleet listed, List<Advice> advice) {
    NodeConfig before = running();
    NodeConfig now = Configs.withFleet(withPortsTaken(changes.next()), listed);
    return settings
        .become(now)
        .compose(everywhere -> cluster.serve(listed.hash()))
        .transform(told -> here(told))
        .compose(
            told -> {
              effective = changes.next();
              running.set(now);
              simulated.keepOnly(listed);
              count("applied");
              return Future.succeededFuture(told(changes, listed, advice));
            },
            bug -> takeBack(before, bug));
  }

  /** Brings an outcome back to the context on which this one's state lives. */
  private <T> Future<T> here(AsyncResult<T> outcome) {
    Promise<T> here = Promise.promise();
    context.runOnContext(turn -> here.handle(outcome));
    return here.future();
  }

  /** A part of the node has failed at it: all go by what was before. */
  private Future<Reload> takeBack(NodeConfig before, Throwable bug) {
    log.error("a part of this node failed at the new configuration; the one before is back", bug);
    return settings
        .become(before)
        .transform(tried -> cluster.serve(before.fleet().hash()))
        .transform(said -> here(said))
        .transform(
            said -> {
              simulated.keepOnly(before.fleet());
              return Future.failedFuture(bug);
            });
  }

  private NodeConfig withPortsTaken(NodeConfig config) {
    NodeConfig was = running();
    Optional<AdminConfig> admin =
        config
            .admin()
            .map(
                a ->
                    new AdminConfig(
                        a.host(), was.admin().map(AdminConfig::port).orElse(a.port()), a.key()));
    return Configs.withPorts(config, was.ingress().port(), admin);
  }

  private static Reload told(Changes changes, Fleet listed, List<Advice> advice) {
    log.info(
        "the configuration was read again: {}",
        changes.applied().isEmpty() ? "nothing has changed" : "changed");
    changes.applied().forEach(line -> log.info("changed: {}", line));
    changes.needsRestart().forEach(line -> log.warn("left as it was until a restart: {}", line));
    advice.forEach(each -> log.warn("{}", each));
    return new Reload(
        changes.applied(),
        changes.needsRestart(),
        advice.stream().map(Advice::toString).toList(),
        List.of(),
        listed.hash());
  }

  private void count(String outcome) {
    meters.counter(Names.RELOADS, "outcome", outcome).increment();
  }
}
