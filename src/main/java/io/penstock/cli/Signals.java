package io.penstock.cli;

import java.lang.reflect.Proxy;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SIGTERM, SIGINT and SIGHUP. By reflection, since javac warns of {@code sun.misc.Signal} and lets
 * nobody silence it; and there is nothing else: a shutdown hook can neither end with exit code 0
 * nor see a second signal.
 */
final class Signals {
  private static final Logger log = LoggerFactory.getLogger(Signals.class);

  private Signals() {}

  /** Calls {@code listener} with {@code TERM} or {@code INT} at each signal, on another thread. */
  static void onStop(Consumer<String> listener) {
    for (String name : new String[] {"TERM", "INT"}) {
      try {
        handle(name, () -> listener.accept(name));
      } catch (ReflectiveOperationException | IllegalArgumentException e) {
        log.warn("SIG{} can not be handled; it ends the node without draining", name, e);
      }
    }
  }

  /** Calls {@code listener} at each SIGHUP, on another thread. */
  static void onReload(Runnable listener) {
    try {
      if (handle("HUP", listener)) {
        log.info("SIGHUP is ignored by this process (nohup); reload by the admin API");
      }
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      log.warn("SIGHUP can not be handled; reload by the admin API", e);
    }
  }

  /** Says whether the signal was ignored before, as it then still is. */
  private static boolean handle(String name, Runnable action) throws ReflectiveOperationException {
    Class<?> signal = Class.forName("sun.misc.Signal");
    Class<?> handler = Class.forName("sun.misc.SignalHandler");
    Object proxy =
        Proxy.newProxyInstance(
            Signals.class.getClassLoader(),
            new Class<?>[] {handler},
            (self, method, arguments) -> {
              if (method.getName().equals("handle")) {
                action.run();
                return null;
              }
              return method.invoke(action, arguments);
            });
    Object before =
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
    return handler.getField("SIG_IGN").get(null).equals(before);
  }
}
