package dev.kantor.report;

import java.util.Base64;

/** Text as it is written into a page of HTML. */
public final class Html {
  private Html() {}

  /** Text in which nothing is markup, within an element or a quoted attribute. */
  public static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        default -> escaped.append(c);
      }
    }
    return escaped.toString();
  }

  /** An element with content that is markup already. */
  public static String element(String name, String attributes, String content) {
    String start = attributes.isEmpty() ? name : name + " " + attributes;
    return "<" + start + ">" + content + "</" + name + ">";
  }

  /** A picture as an address, so that a page needs no other file. */
  public static String dataUri(byte[] png) {
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
  }

  /**
   * The beginning of a picture, to be ended by {@code </svg>}; who cannot see it hears the title.
   */
  static String svg(int width, int height, String title) {
    return "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">"
        .formatted(width, height, escape(title));
  }
}
