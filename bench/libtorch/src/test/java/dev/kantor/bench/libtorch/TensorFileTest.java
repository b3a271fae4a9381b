package dev.kantor.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorFileTest {
  @BeforeAll
  static void load() {
    Main.loadLibraries();
  }

  @Test
  void itIsTheOfficialBuild() {
    assertTrue(torch.show_config().getString().contains("Math Kernel Library"));
  }

  @Test
  void writesWhatItReads(@TempDir Path folder) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ScalarType type :
        new ScalarType[] {
          ScalarType.Byte, ScalarType.Float, ScalarType.Double, ScalarType.Int, ScalarType.Long
        }) {
      tensors.put(type.name(), torch.arange(new Scalar(15)).to(type).view(3, 5));
    }
    tensors.put("transposed", tensors.get("Float").t());
    tensors.put("scalar", torch.ones());
    tensors.put("empty", torch.ones(0, 4));
    Path path = folder.resolve("a.safetensors");
    new TensorFile(tensors, Map.of("note", "\"quoted\" ü")).write(path);

    TensorFile read = TensorFile.read(path);
    assertEquals(Map.of("note", "\"quoted\" ü"), read.metadata());
    assertEquals(tensors.keySet(), read.tensors().keySet());
    tensors.forEach(
        (name, tensor) -> {
          assertArrayEquals(tensor.shape(), read.get(name).shape(), name);
          assertEquals(tensor.scalar_type().intern(), read.get(name).scalar_type().intern(), name);
          assertTrue(torch.equal(tensor, read.get(name)), name);
        });
  }

  @Test
  void refusesAnotherFormat(@TempDir Path folder) throws IOException {
    Path path = Files.writeString(folder.resolve("a.txt"), "not a safetensors file");
    assertThrows(IllegalArgumentException.class, () -> TensorFile.read(path));
  }
}
