/* The C interface of Kantor's native core. Nothing else is public.
 *
 * The caller lowers a training iteration to a program (a list of instructions over state slots and one arena, see
 * runtime/program_format.h), hands it over once, and replays it many times.
 *
 * Every function that can fail returns a kt_status. On anything but KT_OK the calling thread's kt_error_message()
 * says what was wrong and what to do about it, outermost cause first, one cause a line. No function exits, aborts or
 * throws.
 *
 * Handles are opaque. A handle must not be used after its close / free / destroy, and the caller closes them in the
 * order programs, memories, device: a device or memory that is still in use is not closed but gives
 * KT_INVALID_ARGUMENT. Different programs of one device may be run by different threads. Runs, and copies of a
 * device's memory, take turns.
 */
#ifndef KANTOR_KANTOR_H
#define KANTOR_KANTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KT_ABI_VERSION 1

#if defined(__GNUC__)
#define KT_API __attribute__((visibility("default")))
#else
#define KT_API
#endif

typedef enum kt_status {
  KT_OK = 0,
  KT_INVALID_ARGUMENT = 1, /* a null handle, a malformed program, shapes that do not fit */
  KT_OUT_OF_MEMORY = 2,
  KT_FAULT = 3,       /* a non-finite value met the fault guard: the state is that of the last good update */
  KT_CANCELLED = 4,   /* kt_program_cancel was called: the state is that after a whole iteration */
  KT_UNSUPPORTED = 5, /* this build or machine has no such device or operation */
  KT_INTERNAL = 6,
  KT_DEVICE_LOST = 7 /* a GPU gave up: what was on it cannot be read, and this process cannot use it again */
} kt_status;

typedef struct kt_device kt_device;
typedef struct kt_memory kt_memory;
typedef struct kt_program kt_program;

/* KT_ABI_VERSION of the loaded library. */
KT_API int32_t kt_abi_version(void);

/* The calling thread's last error: UTF-8, never null, valid until this thread's next call that fails. */
KT_API const char* kt_error_message(void);

/* Opens a device. Names:
 *   "cpu"           the fastest instruction set this processor has, or the one that the environment variable KANTOR_ISA
 *                   names: portable, avx2 or avx512
 *   "cpu-avx512", "cpu-avx2", "cpu-portable"   that one, KT_UNSUPPORTED where the processor lacks it
 *   "reference"     plain loops with double accumulation: the oracle of the tests; runs float64 programs as well
 *   "cuda:0", ...   an NVIDIA GPU, by the driver's numbers; "cuda" is the first. Needs the driver, and libkantor_cuda.so
 *                   beside this library. KT_UNSUPPORTED where there is none, with a text that says what is missing
 *   "cuda:0+persistent"   the same; programs of dense networks are replayed by one kernel for many iterations rather than
 *                   by CUDA graphs, to the same bits. "+graph": by graphs, as without either. "+serial": by graphs
 *                   in which no kernel begins before the one in front of it has ended, for comparison. kt_program_describe
 *                   tells which it became
 *   "cuda:0+cudnn"  the same; products of matrices and convolutions by cuBLAS and cuDNN where those do what the op says,
 *                   opened at run time where they are installed. KT_UNSUPPORTED where they are not. Not with "+persistent"
 *   "auto"          the first GPU if it can be used, else the CPU. kt_device_describe tells which: "name"; and in "note" why
 *                   a GPU that is there is not used
 * threads: how many threads run a program (the caller's counts as one), at most 1024; 0 takes all the processors this
 * process may use. Results do not depend on the number of threads. The reference device uses the caller's thread
 * only. */
KT_API kt_status kt_device_open(const char* name, int32_t threads, kt_device** device);
KT_API kt_status kt_device_close(kt_device* device);

/* Writes a JSON object {"name", "kind", "isa", "threads", "processor"} and a final zero into buffer;
 * KT_INVALID_ARGUMENT where capacity is too small. Of a GPU also "computeCapability", "multiprocessors", "memoryBytes",
 * "freeBytes", "driver" (the latest CUDA version that it runs), "runtime" (the CUDA version in libkantor_cuda.so) and
 * "devices", the names of all; "engine", kantor or cudnn, and with the latter the versions "cudnn" and "cublas". "note" where
 * there is something to tell. */
KT_API kt_status kt_device_describe(kt_device* device, char* buffer, size_t capacity);

/* Zeroed device memory, aligned to 64 bytes; bytes must not be 0. */
KT_API kt_status kt_memory_allocate(kt_device* device, uint64_t bytes, kt_memory** memory);
/* Device memory over host memory that the caller keeps alive (a mapped file, say): programs may only read it. A CPU
 * device uses it in place. */
KT_API kt_status kt_memory_wrap(kt_device* device, const void* host, uint64_t bytes, kt_memory** memory);
KT_API kt_status kt_memory_free(kt_memory* memory);
/* Copies between host and device; while a program of the device runs, they wait for its end. */
KT_API kt_status kt_memory_write(kt_memory* memory, uint64_t offset, const void* host, uint64_t bytes);
KT_API kt_status kt_memory_read(kt_memory* memory, uint64_t offset, void* host, uint64_t bytes);

/* Builds a program for device from the bytes of runtime/program_format.h, which it does not keep. slots[i] backs
 * state slot i and must outlive the program. Every operand, shape and attribute is checked here, so that a run need
 * not; the error text names the instruction's index, its op and what does not fit. */
KT_API kt_status kt_program_create(kt_device* device, const void* bytes, uint64_t size, kt_memory* const* slots,
                                   uint64_t slot_count, kt_program** program);
KT_API kt_status kt_program_destroy(kt_program* program);

/* Replays the program iterations times in one call; *completed (may be null) gets the number of whole iterations
 * done. KT_CANCELLED after kt_program_cancel; KT_FAULT at the end of the iteration in which the fault flag got set,
 * which does not count as completed. The flag stays set until the caller clears its slot: until then a run does
 * nothing but say KT_FAULT. A run on a CPU flushes denormal numbers to zero (the reference device does not). */
KT_API kt_status kt_program_run(kt_program* program, int64_t iterations, int64_t* completed);
/* May be called from any thread, a signal handler's included: the run under way, or else the next one, ends after its
 * current (or first) iteration and thereby takes the request back. A GPU has iterations for some 20 ms under way (one, if an
 * iteration takes longer) while the next are handed to it: a run on it ends after those, in about 40 ms or two
 * iterations. */
KT_API kt_status kt_program_cancel(kt_program* program);

/* Writes JSON into buffer ("stages" of a program for a GPU are the nodes of an iteration's graph):
 * {"arenaBytes", "scratchBytes", "stages", "instructions": [{"index", "op", "shapes", "ns",
 * "calls"}]}; of a CUDA device also "executor", "graph" or "persistent"; "nodes", kernels launched for an iteration
 * (persistent: for many); "bodies", what would each be a node if small instructions did not share one; "note", why the
 * executor asked for is not there; of "graph" also "early", whether a kernel's start overlaps the end of the one before;
 * of "persistent" also "barriers" of the whole grid in an iteration, and "blocks" of the grid. With "+cudnn" "engine":
 * "cudnn", and "engineInstructions", how many of the instructions the libraries run; each of their calls counts as one node.
 * "shapes" reads "f32[4, 3], i32[4] -> f32[4, 3]"; "ns" is the time of the instruction's tasks
 * summed over threads, "calls" how often it ran, both collected only while profiling is on.
 * *needed (may be null) gets the size including the final zero; KT_INVALID_ARGUMENT where capacity is too small. */
KT_API kt_status kt_program_profile(kt_program* program, int32_t enable);
KT_API kt_status kt_program_describe(kt_program* program, char* buffer, size_t capacity, size_t* needed);

#ifdef __cplusplus
}
#endif
#endif
