package io.penstock.fake;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports of this machine that are free now, and stay so until a process that is to listen on them
 * has started, and while it is down: they lie below those that the kernel hands out to connections,
 * are given out once, and come from blocks that this JVM alone gives from. Whoever listens at the
 * first port of a block has it.
 */
public final class Ports {
  private static final int FROM = 16_000;
  private static final int BLOCK = 1_000;
  private static final int BLOCKS = 16;
  private static final int TRIES = 1_000;
  private static final Set<Integer> GIVEN = new HashSet<>();
  private static final List<ServerSocket> OURS = new ArrayList<>();

  private Ports() {}

  /** One. */
  public static int free() {
    return consecutive(1);
  }

  /** The first of so many in a row. */
  public static synchronized int consecutive(int count) {
    while (true) {
      for (int tries = 0; tries < TRIES * OURS.size(); tries++) {
        ServerSocket block = OURS.get(tries % OURS.size());
        int first =
            block.getLocalPort() + 1 + ThreadLocalRandom.current().nextInt(BLOCK - 1 - count + 1);
        if (areFree(first, count)) {
          return first;
        }
      }
      OURS.add(takeBlock());
    }
  }

  /** Held until the JVM ends. */
  private static ServerSocket takeBlock() {
    int begin = ThreadLocalRandom.current().nextInt(BLOCKS);
    for (int i = 0; i < BLOCKS; i++) {
      int first = FROM + (begin + i) % BLOCKS * BLOCK;
      try {
        return new ServerSocket(first, 1, InetAddress.getLoopbackAddress());
      } catch (IOException taken) {
        continue;
      }
    }
    throw new IllegalStateException("all blocks of ports are taken");
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
