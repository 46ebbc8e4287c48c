package io.penstock.bus;

import com.hazelcast.cluster.Address;
import com.hazelcast.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.time.Clock;
import io.vertx.core.Deployable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.EventBusOptions;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.net.InetAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * This JVM as a node: a Vert.x, its bus and its directory, in a cluster or alone. Methods may be
 * called from any thread.
 */
public final class ClusterNode {
  // A peer that is gone without a word costs what is queued for it: messages and memory.
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration PING_INTERVAL = Duration.ofSeconds(5);
  private static final Duration PONG_TIMEOUT = Duration.ofSeconds(5);

  private final Vertx vertx;
  private final Bus bus;
  private final DirectoryVerticle directory;
  private final DrainVerticle drains;
  private final BusLoop loop;
  private final Promise<Void> lost = Promise.promise();
  private volatile boolean closing;

  private ClusterNode(
      Vertx vertx, Bus bus, DirectoryVerticle directory, DrainVerticle drains, BusLoop loop) {
    this.vertx = vertx;
    this.bus = bus;
    this.directory = directory;
    this.drains = drains;
    this.loop = loop;
  }

  /**
   * What a node says of itself from the start.
   *
   * @param name as configured; for people
   * @param zone failure domain; empty when unknown
   * @param fleetHash digest of its fleet section
   */
  public record Identity(String name, String zone, String fleetHash) {}

  /**
   * Starts Vert.x and, if there is a cluster, joins it or founds it. The node is then in the view
   * of the others, without a role. Not to be called on an event loop: it may ask the DNS.
   *
   * @param builder with transport, metrics and tracing set
   * @param options the event bus's host and ports are set in it
   * @param cluster absent: plain Vert.x, and a view of this node alone
   * @return completes when the other members have been heard, or four seconds later; fails with
   *     {@link ClusterException} when the node can not start
   */
  public static Future<ClusterNode> start(
      VertxBuilder builder,
      VertxOptions options,
      Optional<ClusterConfig> cluster,
      Identity identity,
      Clock clock,
      MeterRegistry meters) {
    CompletableFuture<Void> wireForms = CompletableFuture.runAsync(WireForm::load);
    if (cluster.isEmpty()) {
      return alone(builder.with(options).build(), identity, clock, meters);
    }
    try {
      return join(builder, options, cluster.get(), wireForms, identity, clock, meters);
    } catch (ClusterException e) {
      return Future.failedFuture(e);
    }
  }

  private static Future<ClusterNode> alone(
      Vertx vertx, Identity identity, Clock clock, MeterRegistry meters) {
    NodeId self = new NodeId(UUID.randomUUID().toString());
    VertxBus bus = new VertxBus(vertx, self, new WireCodec(meters));
    return deploy(
        vertx,
        bus,
        new BusLoop(),
        Members.alone(self),
        Registry.NONE,
        "",
        Duration.ZERO,
        identity,
        clock,
        meters);
  }

  private static Future<ClusterNode> join(
      VertxBuilder builder,
      VertxOptions options,
      ClusterConfig cluster,
      CompletableFuture<Void> wireForms,
      Identity identity,
      Clock clock,
      MeterRegistry meters) {
    InetAddress host = ClusterPorts.check(cluster);
    if (System.getProperty(HazelcastConfigs.LOGGING_TYPE) == null) {
      System.setProperty(HazelcastConfigs.LOGGING_TYPE, "slf4j"); // read by static loggers
    }
    Config hazelcast = HazelcastConfigs.of(cluster, host);
    BusLoop loop = new BusLoop();
    HazelcastClusterManager manager = new BusLoop.Manager(hazelcast, loop);
    listen(options.getEventBusOptions(), cluster, host);
    return builder
        .with(options)
        .withClusterManager(manager)
        .buildClustered()
        .recover(e -> Future.failedFuture(new ClusterException(cannotJoin(cluster, e), e)))
        .compose(vertx -> Future.fromCompletionStage(wireForms).map(vertx))
        .compose(
            vertx -> {
              NodeId self = new NodeId(manager.getNodeId());
              VertxBus bus = new VertxBus(vertx, self, new WireCodec(meters));
              Members members = new HazelcastMembers(manager, self);
              Registry registry = new HazelcastRegistry(vertx, manager, bus, members);
              return deploy(
                  vertx,
                  bus,
                  loop,
                  members,
                  registry,
                  addressOf(manager),
                  cluster.forgetMissing(),
                  identity,
                  clock,
                  meters);
            });
  }

  private static void listen(EventBusOptions options, ClusterConfig cluster, InetAddress host) {
    options
        .setHost(host.getHostAddress())
        .setPort(cluster.busPort())
        .setClusterPublicHost(host.getHostAddress())
        .setConnectTimeout((int) CONNECT_TIMEOUT.toMillis())
        .setClusterPingInterval(PING_INTERVAL.toMillis())
        .setClusterPingReplyInterval(PONG_TIMEOUT.toMillis());
  }

  private static String cannotJoin(ClusterConfig cluster, Throwable e) {
    return "the cluster '"
        + cluster.name()
        + "' can not be joined from "
        + cluster.host()
        + ":"
        + cluster.port()
        + " (bus "
        + cluster.busPort()
        + "): "
        + e.getMessage();
  }

  /** Asked of Hazelcast itself: a file of the user's own may have another port. */
  private static String addressOf(HazelcastClusterManager manager) {
    Address address = manager.getHazelcastInstance().getCluster().getLocalMember().getAddress();
    return address.getHost() + ":" + address.getPort();
  }

  private static Future<ClusterNode> deploy(
      Vertx vertx,
      VertxBus bus,
      BusLoop loop,
      Members members,
      Registry registry,
      String address,
      Duration forget,
      Identity identity,
      Clock clock,
      MeterRegistry meters) {
    View.Node me =
        new View.Node(
            bus.self(), identity.name(), identity.zone(), Set.of(), 0, identity.fleetHash(), false);
    DirectoryVerticle directory =
        new DirectoryVerticle(
            bus, members, registry, new TcpKnocker(vertx), address, forget, me, clock, meters);
    DrainVerticle drains = new DrainVerticle(bus, directory, clock, meters);
    return vertx
        .deployVerticle(directory)
        .compose(id -> vertx.deployVerticle(drains))
        .map(
            id -> {
              ClusterNode node = new ClusterNode(vertx, bus, directory, drains, loop);
              members.onEnd(node::memberEnded);
              return node;
            })
        .recover(e -> vertx.close().transform(x -> Future.failedFuture(e)));
  }

  private void memberEnded() {
    if (!closing) {
      lost.tryComplete();
    }
  }

  /**
   * Completes when this node has ceased to be a member without having left, as Hazelcast does that
   * runs out of memory. The others take its process for ended, and it knows nobody any more: it
   * should end.
   */
  public Future<Void> lost() {
    return lost.future();
  }

  /** Its Vert.x. */
  public Vertx vertx() {
    return vertx;
  }

  /** Its bus. */
  public Bus bus() {
    return bus;
  }

  /**
   * A verticle that other nodes say much to: it lives on the event loop of the bus's sockets when
   * it is deployed.
   */
  public Deployable besideTheBus(Deployable verticle) {
    return loop.with(verticle);
  }

  /** Who is in the cluster, as it sees it. */
  public Directory directory() {
    return directory;
  }

  /** What drains in the cluster by an operator's order. */
  public Drains drains() {
    return drains;
  }

  /** {@link #announce(Supplier, int)} of roles that are the same whenever it is said. */
  public Future<Void> announce(Set<Role> roles, int lanes) {
    Set<Role> taken = Set.copyOf(roles);
    return announce(() -> taken, lanes);
  }

  /**
   * Takes up roles: to be called when their verticles are up.
   *
   * @param roles asked when it is said
   * @param lanes number of its ingress loops
   * @return completes when it was said; the others know it a network hop later
   */
  public Future<Void> announce(Supplier<Set<Role>> roles, int lanes) {
    return directory.become(me -> with(me, roles.get(), lanes, me.draining()));
  }

  /** Says that it serves another fleet from now on. */
  public Future<Void> serve(String fleetHash) {
    return directory.become(
        me ->
            new View.Node(
                me.id(), me.name(), me.zone(), me.roles(), me.lanes(), fleetHash, me.draining()));
  }

  /** Says that the node is going; it keeps its roles until they are withdrawn. */
  public Future<Void> setDraining() {
    return directory.become(me -> with(me, me.roles(), me.lanes(), true));
  }

  /**
   * Takes {@link #setDraining} and {@link #withdraw} back.
   *
   * @param roles that it has now; asked when it is said
   */
  public Future<Void> resume(Supplier<Set<Role>> roles) {
    return directory.become(me -> with(me, roles.get(), me.lanes(), false));
  }

  /**
   * Takes up one more role, unless the node drains and another has the role: that one keeps it
   * then.
   */
  public Future<Void> take(Role role) {
    return directory.become(
        me -> {
          boolean isTheirs =
              directory.view().nodes().stream()
                  .anyMatch(n -> !n.id().equals(me.id()) && n.roles().contains(role));
          if (me.draining() && isTheirs) {
            return me;
          }
          Set<Role> more = EnumSet.of(role);
          more.addAll(me.roles());
          return with(me, more, me.lanes(), me.draining());
        });
  }

  /** Gives roles up: others take over what they owned. */
  public Future<Void> withdraw(Set<Role> roles) {
    Set<Role> given = Set.copyOf(roles);
    return directory.become(
        me -> {
          Set<Role> left = EnumSet.noneOf(Role.class);
          left.addAll(me.roles());
          left.removeAll(given);
          return with(me, left, me.lanes(), me.draining());
        });
  }

  /** Gives all roles up, leaves the cluster and closes Vert.x with all its verticles; once. */
  public Future<Void> close() {
    closing = true;
    UnaryOperator<View.Node> leaving = me -> with(me, Set.of(), 0, true);
    return directory.become(leaving).transform(said -> vertx.close());
  }

  private static View.Node with(View.Node me, Set<Role> roles, int lanes, boolean draining) {
    return new View.Node(me.id(), me.name(), me.zone(), roles, lanes, me.fleetHash(), draining);
  }
}
