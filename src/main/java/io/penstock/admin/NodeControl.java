package io.penstock.admin;

import io.penstock.inference.Role;
import io.vertx.core.Future;
import java.util.List;
import java.util.Set;

/** What the admin API may have this node do. Called on any thread; completes on any. */
public interface NodeControl {
  /**
   * How the node stands.
   *
   * @param live requests that it carries for clients
   * @param roles that it holds now
   */
  record Standing(boolean draining, int live, Set<Role> roles) {}

  /**
   * What came of a reload: either nothing but mistakes, or none and the rest.
   *
   * @param applied what the node goes by now and did not before
   * @param needsRestart what differs too and was left as it was
   * @param advice what can be and may be regretted
   * @param fleetHash of the fleet that the node serves now
   */
  record Reload(
      List<String> applied,
      List<String> needsRestart,
      List<String> advice,
      List<String> mistakes,
      String fleetHash) {
    public Reload {
      applied = List.copyOf(applied);
      needsRestart = List.copyOf(needsRestart);
      advice = List.copyOf(advice);
      mistakes = List.copyOf(mistakes);
    }
  }

  /** Not ready, no new work, what others can do is theirs; the process stays. Idempotent. */
  Future<Void> drain();

  /** Takes {@link #drain} back. */
  Future<Void> resume();

  /** How it stands now. */
  Future<Standing> standing();

  /** Reads the configuration again, and goes by it unless there is a mistake in it. */
  Future<Reload> reload();
}
