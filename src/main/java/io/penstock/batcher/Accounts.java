package io.penstock.batcher;

import io.penstock.inference.TenantId;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The accounts of one class. Those of tenants who wait are as many as the queue is long; of the
 * others the last {@link #IDLE_MAX} are remembered, so that nobody sheds what it was given by a
 * short absence. One that is forgotten begins anew, at the lowest active counter.
 */
final class Accounts {
  /** Most accounts of tenants who do not wait. */
  static final int IDLE_MAX = 4_096;

  private final Map<TenantId, Account> active = new HashMap<>();

  /** In the order in which they were last looked at. */
  private final LinkedHashMap<TenantId, Account> idle = new LinkedHashMap<>(16, 0.75f, true);

  /** The tenant's account, if one is remembered. */
  @Nullable Account find(TenantId tenant) {
    Account found = active.get(tenant);
    return found != null ? found : idle.get(tenant);
  }

  /** The tenant's account, which is idle unless it has something waiting. */
  Account of(TenantId tenant) {
    Account found = find(tenant);
    if (found == null) {
      found = new Account(tenant);
      putIdle(found);
    }
    return found;
  }

  /** It has something waiting from now on. */
  void wake(Account account) {
    idle.remove(account.tenant);
    active.put(account.tenant, account);
  }

  /** It has nothing waiting any more. */
  void rest(Account account) {
    active.remove(account.tenant);
    putIdle(account);
  }

  private void putIdle(Account account) {
    idle.put(account.tenant, account);
    if (idle.size() > IDLE_MAX) {
      idle.remove(idle.keySet().iterator().next());
    }
  }

  int idle() {
    return idle.size();
  }

  void each(Consumer<Account> visitor) {
    active.values().forEach(visitor);
    idle.values().forEach(visitor);
  }
}
