package dev.kantor.io;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;

/**
 * Writes an event file for TensorBoard: records of TFRecord form, each a message {@code Event} of
 * TensorFlow's event.proto and summary.proto. A record is its length (u64, little-endian), the
 * masked CRC-32C of these 8 bytes, the message, the masked CRC-32C of the message. A record that
 * was cut off ends the file for a reader, with all before it intact.
 */
public final class EventFile implements Closeable {
  private static final String PREFIX = "events.out.tfevents.";
  private static final int MASK_DELTA = 0xa282ead8;

  // Field numbers of Event.
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;

  // Of Summary and of its Value.
  private static final int VALUE = 1;
  private static final int TAG = 1;
  private static final int SIMPLE_VALUE = 2;
  private static final int IMAGE = 4;

  // Of Summary.Image.
  private static final int HEIGHT = 1;
  private static final int WIDTH = 2;
  private static final int COLOURSPACE = 3;
  private static final int ENCODED = 4;

  // Of SessionLog, and its status START.
  private static final int STATUS = 1;
  private static final int START = 1;

  // Where a PNG's first chunk has what an image summary repeats.
  private static final int PNG_WIDTH = 16;
  private static final int PNG_HEIGHT = 20;
  private static final int PNG_COLOUR_TYPE = 25;
  private static final int PNG_HEADER = 26;
  private static final int PNG_GREY = 0;

  private final OutputStream out;

  private EventFile(OutputStream out) {
    this.out = out;
  }

  /**
   * Begins a file {@code events.out.tfevents.SECONDS.kantor} in a folder, which is made if it does
   * not exist. Readers take the files of a folder in the order of their names, so a second file of
   * the same second is named for the next.
   *
   * @param wallTime seconds since 1970, UTC
   * @throws IOException if it cannot be written
   */
  public static EventFile create(Path folder, double wallTime) throws IOException {
    Files.createDirectories(folder);
    EventFile file = null;
    for (long second = (long) wallTime; file == null; second++) {
      Path path = folder.resolve(PREFIX + second + ".kantor");
      try {
        Files.createFile(path);
        // Not a channel's stream: an interrupt would close it.
        file = new EventFile(new FileOutputStream(path.toFile()));
      } catch (FileAlreadyExistsException e) {
        continue;
      }
    }
    file.write(event(wallTime).string(FILE_VERSION, "brain.Event:2"));
    return file;
  }

  /**
   * Says that what earlier files have of this step and of later ones is void: the run went back to
   * a checkpoint.
   */
  public void restart(double wallTime, long step) throws IOException {
    write(
        event(wallTime)
            .varint(STEP, step)
            .message(SESSION_LOG, new Message().varint(STATUS, START)));
  }

  /** Writes values of one step by their tags; those that are not finite as they are. */
  public void scalars(double wallTime, long step, Map<String, Double> values) throws IOException {
    Message summary = new Message();
    values.forEach(
        (tag, v) ->
            summary.message(
                VALUE, new Message().string(TAG, tag).float32(SIMPLE_VALUE, v.floatValue())));
    write(event(wallTime).varint(STEP, step).message(SUMMARY, summary));
  }

  /**
   * Writes a picture.
   *
   * @param png a whole file, grey or RGB
   * @throws IllegalArgumentException if it is none
   */
  public void image(double wallTime, long step, String tag, byte[] png) throws IOException {
    Objects.requireNonNull(png, "png");
    if (png.length < PNG_HEADER || png[1] != 'P' || png[2] != 'N' || png[3] != 'G') {
      throw new IllegalArgumentException(tag + " is not a PNG file");
    }
    ByteBuffer header = ByteBuffer.wrap(png);
    Message image =
        new Message()
            .varint(HEIGHT, header.getInt(PNG_HEIGHT))
            .varint(WIDTH, header.getInt(PNG_WIDTH))
            .varint(COLOURSPACE, png[PNG_COLOUR_TYPE] == PNG_GREY ? 1 : 3) // the channels
            .bytes(ENCODED, png);
    write(
        event(wallTime)
            .varint(STEP, step)
            .message(
                SUMMARY,
                new Message()
                    .message(VALUE, new Message().string(TAG, tag).message(IMAGE, image))));
  }

  private static Message event(double wallTime) {
    return new Message().float64(WALL_TIME, wallTime);
  }

  private void write(Message event) throws IOException {
    out.write(record(event.toByteArray()));
  }

  /** A message in its frame. */
  static byte[] record(byte[] message) {
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + message.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(message.length);
    record.putInt(masked(record.array(), Long.BYTES));
    return record.put(message).putInt(masked(message, message.length)).array();
  }

  /**
   * The CRC-32C of the first {@code length} bytes, rotated right by 15 and shifted by a constant:
   * the sum of data that holds sums is then no weaker.
   */
  static int masked(byte[] bytes, int length) {
    CRC32C sum = new CRC32C();
    sum.update(bytes, 0, length);
    return Integer.rotateRight((int) sum.getValue(), 15) + MASK_DELTA;
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /** A protocol buffer being written, field by field (protobuf.dev/programming-guides/encoding). */
  private static final class Message {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH_DELIMITED = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private void key(int field, int wireType) {
      rawVarint((long) field << 3 | wireType);
    }

    private void rawVarint(long value) {
      long rest = value;
      for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
        out.write((int) (rest & 0x7F | 0x80));
      }
      out.write((int) rest);
    }

    private void little(long value, int bytes) {
      for (int i = 0; i < bytes; i++) {
        out.write((int) (value >>> 8 * i));
      }
    }

    Message varint(int field, long value) {
      key(field, VARINT);
      rawVarint(value);
      return this;
    }

    Message float64(int field, double value) {
      key(field, FIXED64);
      little(Double.doubleToRawLongBits(value), Double.BYTES);
      return this;
    }

    Message float32(int field, float value) {
      key(field, FIXED32);
      little(Float.floatToRawIntBits(value), Float.BYTES);
      return this;
    }

    Message bytes(int field, byte[] value) {
      key(field, LENGTH_DELIMITED);
      rawVarint(value.length);
      out.writeBytes(value);
      return this;
    }

    Message string(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
      return bytes(field, value.toByteArray());
    }

    byte[] toByteArray() {
      return out.toByteArray();
    }
  }
}
