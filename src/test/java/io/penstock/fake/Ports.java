package io.penstock.fake;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports of this machine that are free now, and stay so until a process that is to listen on them
 * has started: they lie below those that the kernel hands out to connections, and are given out
 * once.
 */
public final class Ports {
  private static final int FROM = 16_000;
  private static final int COUNT = 16_000;
  private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

  private Ports() {}

  /** One. */
  public static int free() {
    return consecutive(1);
  }

  /** The first of so many in a row. */
  public static int consecutive(int count) {
    for (int tries = 0; tries < 10_000; tries++) {
      int first = FROM + ThreadLocalRandom.current().nextInt(COUNT - count);
      if (areFree(first, count)) {
        return first;
      }
    }
    throw new IllegalStateException("no " + count + " ports in a row are free");
  }

  private static boolean areFree(int first, int count) {
    for (int port = first; port < first + count; port++) {
      if (GIVEN.contains(port) || !isFree(port)) {
        return false;
      }
    }
    for (int port = first; port < first + count; port++) {
      GIVEN.add(port);
    }
    return true;
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }
}
