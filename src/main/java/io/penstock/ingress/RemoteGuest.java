package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.message.Bytes;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneEnd;
import io.penstock.message.LaneSent;
import io.penstock.message.Message;
import io.penstock.message.Station;
import io.penstock.openai.Slice;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * A lane whose client is at another loop: its answer goes over the bus in pieces, no more of them
 * ahead of what it has read than {@link LaneAnswer#WINDOW}, since a bus that is not read from drops
 * what it is sent. What waits here meanwhile its host keeps within bounds.
 */
final class RemoteGuest implements Guest {
  private final RequestId batch;
  private final RequestId id;
  private final Station station;
  private final Consumer<Message> post;
  private final Deque<Slice> unsent = new ArrayDeque<>();
  private int status;
  private String contentType = "";
  private String retryAfter = "";
  private long unsentBytes;
  private int offset; // in the first of them
  private int number;
  private int read;
  private LaneEnd end = LaneEnd.MORE;
  private boolean over;

  /**
   * @param post sends to the lane's loop
   */
  RemoteGuest(RequestId batch, RequestId id, Station station, Consumer<Message> post) {
    this.batch = batch;
    this.id = id;
    this.station = station;
    this.post = post;
  }

  Station station() {
    return station;
  }

  /** Whether it is a lane of this batch. */
  boolean isOf(RequestId which) {
    return batch.equals(which);
  }

  /** Whether nothing more is to be sent. */
  boolean isOver() {
    return over;
  }

  @Override
  public void sent() {
    post.accept(new LaneSent(batch, id));
  }

  @Override
  public void begin(int itsStatus, String itsType, String itsRetryAfter) {
    status = itsStatus;
    contentType = itsType;
    retryAfter = itsRetryAfter;
  }

  @Override
  public void more(List<Slice> part) {
    add(part);
    pump();
  }

  @Override
  public void answer(int itsStatus, String itsType, String itsRetryAfter, List<Slice> body) {
    begin(itsStatus, itsType, itsRetryAfter);
    add(body);
    done();
  }

  private void add(List<Slice> part) {
    for (Slice each : part) {
      if (each.length() > 0 && end == LaneEnd.MORE) {
        unsent.add(each);
        unsentBytes += each.length();
      }
    }
  }

  @Override
  public void done() {
    end(LaneEnd.DONE);
  }

  @Override
  public void fail(LaneEnd how) {
    if (over) {
      return;
    }
    if (how == LaneEnd.TOO_SLOW || how == LaneEnd.LEFT_OUT) { // what it has not read is no use
      unsent.clear();
      unsentBytes = 0;
      over = true;
      send(Bytes.NONE, how);
    } else {
      end(how);
    }
  }

  private void end(LaneEnd how) {
    if (end == LaneEnd.MORE) {
      end = how;
      pump();
    }
  }

  @Override
  public long unreadBytes() {
    return unsentBytes;
  }

  /** The lane has read so many pieces. */
  void credit(int piecesRead) {
    read = Math.max(read, piecesRead);
    pump();
  }

  private void pump() {
    while (!over && (unsentBytes > 0 || end != LaneEnd.MORE) && number - read < LaneAnswer.WINDOW) {
      Bytes piece = unsentBytes > 0 ? new Bytes(next()) : Bytes.NONE;
      over = unsentBytes == 0 && end != LaneEnd.MORE;
      send(piece, over ? end : LaneEnd.MORE);
    }
  }

  private void send(Bytes piece, LaneEnd how) {
    post.accept(new LaneAnswer(batch, id, number++, status, contentType, retryAfter, piece, how));
  }

  private byte[] next() {
    byte[] piece = new byte[(int) Math.min(unsentBytes, LaneAnswer.PIECE_BYTES)];
    int filled = 0;
    while (filled < piece.length) {
      Slice from = unsent.element();
      int part = Math.min(from.length() - offset, piece.length - filled);
      System.arraycopy(from.bytes(), from.offset() + offset, piece, filled, part);
      filled += part;
      offset += part;
      if (offset == from.length()) {
        unsent.remove();
        offset = 0;
      }
    }
    unsentBytes -= piece.length;
    return piece;
  }
}
