package dev.kantor.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Ctrl-C and a request to terminate, turned into a call while this is open. A second one ends the
 * process at once.
 *
 * <p>Through reflection because javac warns of each mention of {@code sun.misc.Signal}, the JDK's
 * only way to do this, with a warning that cannot be suppressed.
 */
final class Interruption implements AutoCloseable {
  private final Method handle;
  private final Map<Object, Object> previous = new LinkedHashMap<>();
  private volatile boolean happened;

  Interruption(Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      handle = signal.getMethod("handle", signal, handler);
      Object handlerOfOurs =
          Proxy.newProxyInstance(
              handler.getClassLoader(),
              new Class<?>[] {handler},
              (proxy, method, args) -> {
                switch (method.getName()) {
                  case "handle" -> signalled(action);
                  case "hashCode" -> {
                    return System.identityHashCode(proxy);
                  }
                  case "equals" -> {
                    return proxy == args[0];
                  }
                  default -> {
                    return "Interruption";
                  }
                }
                return null;
              });
      for (String name : List.of("INT", "TERM")) {
        Object s = signal.getConstructor(String.class).newInstance(name);
        previous.put(s, handle.invoke(null, s, handlerOfOurs));
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JDK lacks sun.misc.Signal", e);
    }
  }

  private void signalled(Runnable action) {
    if (happened) {
      Runtime.getRuntime().halt(Main.INTERRUPTED);
    }
    happened = true;
    action.run();
  }

  @Override
  public void close() {
    previous.forEach(
        (signal, handler) -> {
          try {
            handle.invoke(null, signal, handler);
          } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("cannot restore the handler of " + signal, e);
          }
        });
  }
}
