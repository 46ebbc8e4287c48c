package io.penstock.prefix;

import io.penstock.bus.Done;
import io.penstock.inference.PromptPrefix;
import io.vertx.core.Future;

/**
 * What operators may do to registered prefixes, in the whole cluster. May be called from any
 * thread. All of it completes when this node goes by it, has told the others, and has tried to
 * store it; fails with {@link io.penstock.bus.OrderException} when it is not to be done.
 */
public interface PrefixStore {
  /** As this node knows them; any thread. */
  PrefixRegister now();

  /**
   * Registers one.
   *
   * @param replaces whether it may take the place of another text under its id
   */
  Future<Done<PromptPrefix>> put(PromptPrefix prefix, boolean replaces);

  /** Takes one away; requests that have it already go on. */
  Future<Done<PromptPrefix>> remove(String id);
}
