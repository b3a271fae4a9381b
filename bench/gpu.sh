#!/usr/bin/env bash
# Everything that needs an NVIDIA GPU, by one command: whether Kantor computes there what it computes elsewhere, then how fast, beside
# the same models in PyTorch and JAX.
#
#   bench/gpu.sh [STEP ...] [OPTION ...]      default: conformance bench headline
#
# steps:
#   conformance   each instruction of ptx.h against the PTX ISA, every op's cases against the reference, programs by the
#                 persistent kernel, products by cuDNN and cuBLAS where they are, three iterations of every variant against the
#                 CPU, of some in tf32 and bf16, the bits of Kantor's executors against each other, the rivals against each other
#   sanitize      the op cases under compute-sanitizer; slow
#   bench         Kantor, PyTorch (eager, CUDA graph, torch.compile) and JAX in turns, single ops, what the GPU reaches; a table
#   headline      100 epochs of wgan-gp on MNIST, and its samples
#   table         the table again
#   pack          target/gpu-kit.tar.xz, with all that a GPU machine needs beside this checkout: no JDK, no compiler, no network.
#                 Made on a machine with nvcc, a GPU is not needed. MNIST is taken along from KANTOR_DATA.
# options:
#   --kit FOLDER      the unpacked kit. Default: target/gpu-kit, which is unpacked from target/gpu-kit.tar.xz, else built here
#   --out FOLDER      results, written as they come. Default: target/gpu
#   --device D        Kantor's device. Default: cuda:0; cuda:0+serial starts no kernel before the one in front of it has ended
#   --budget S        seconds for all steps at most, building not counted. What a step leaves, those after it have. Default: 560
#   --tools A,B       of compute-sanitizer. Default: memcheck,racecheck,synccheck,initcheck
#   --precision P     of headline. Default: tf32
#   --variants A,B    of conformance. Default: all
#   --emulated        to try this script where there is no GPU, with a kit whose cuda:0 is the emulated device: small networks, the
#                     rivals on the CPU; --variants gan,wgan,wgan-gp keeps it short
#
# The exit status is 0 if all that was asked for is right; a step that fails does not keep those after it from running. The rivals need
# a python3 with torch, jax and numpy; one that lacks one of them does without.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/bench/gpu
kit=
out=$root/target/gpu
device=cuda:0
budget=560
tools=memcheck,racecheck,synccheck,initcheck
precision=tf32
variants=
emulated=
of_the_cpu='*runtime_team*,*runtime_schedule*,*runtime_memory*,*winograd*' # files of the native tests
of_programs='*runtime_run*,*training_step*'
steps=()

say() { printf 'gpu.sh: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}
usage() {
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

while (($#)); do
  case $1 in
    conformance | sanitize | bench | headline | table | pack) steps+=("$1") ;;
    --kit | --out | --device | --budget | --tools | --precision | --variants)
      [[ $# -ge 2 ]] || usage
      declare "${1#--}=$2"
      shift
      ;;
    --emulated) emulated=yes ;;
    *) usage ;;
  esac
  shift
done
((${#steps[@]})) || steps=(conformance bench headline)
export KANTOR_TEST_DEVICE=${device#cuda:}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# limited SECONDS COMMAND ...: within what is left of the step's time.
limited() {
  local left=$((step_end - SECONDS)) most=$1
  shift
  ((left > 0)) || {
    say "no time left for: $*"
    return 1
  }
  timeout --kill-after=5 $((most < left ? most : left)) "$@"
}

# The share of a step in what is left of the time, beside those of the steps after it.
declare -A share=([conformance]=4 [sanitize]=6 [bench]=5 [headline]=1)

# limit STEP [LATER ...]: sets the end of a step.
limit() {
  local left=$((budget - SECONDS)) all=0 step
  for step in "$@"; do all=$((all + ${share[$step]:-0})); done
  ((left > 0)) || left=0
  step_end=$((SECONDS + left * share[$1] / all))
}

# check NAME COMMAND ...: a line of checks.jsonl by the exit status of a command whose output is NAME.log.
check() {
  local name=$1 status=0
  shift
  limited "$budget" "$@" >"$out/$name.log" 2>&1 || status=$?
  if ((status)); then
    tail -n 15 "$out/$name.log" >&2
    printf '{"check": "test", "name": "%s", "ok": false, "error": "exit status %d, see %s.log"}\n' "$name" "$status" "$name"
  else
    printf '{"check": "test", "name": "%s", "ok": true}\n' "$name"
  fi >>"$out/checks.jsonl"
  say "$name: $( ((status)) && echo failed || echo ok)"
  return "$status"
}

find_kit() {
  if [[ -z $kit ]]; then
    kit=$root/target/gpu-kit
    if [[ -e $kit.tar.xz && ! -e $kit ]]; then
      python3 -m tarfile -e "$kit.tar.xz" "$kit" # not every machine has xz
    fi
  fi
  [[ -x $kit/kantor/kantor ]] || make_kit
}

# Builds the kit in its folder: Kantor as kantor bundle packs it, the tests, MNIST.
make_kit() {
  say "building $kit"
  mkdir -p "$kit/tests"
  export KANTOR_CUDA=ON KANTOR_CUDA_ARCHITECTURES=${KANTOR_CUDA_ARCHITECTURES:-native}
  "$root/kantor" bundle --cuda --out "$kit/kantor.tar"
  tar -xf "$kit/kantor.tar" -C "$kit"
  rm "$kit/kantor.tar"
  local build=$root/java/target/native # the launcher's, whose objects are taken
  cmake -S "$root/native" -B "$build" -DKANTOR_BUILD_TESTS=ON >"$out/build.log"
  cmake --build "$build" --target kantor_cuda_tests >>"$out/build.log"
  cp "$build/tests/cuda/kantor_cuda_tests" "$kit/tests/"
  if [[ -n ${KANTOR_DATA:-} && -d $KANTOR_DATA/mnist ]]; then
    mkdir -p "$kit/data/mnist"
    cp "$KANTOR_DATA"/mnist/train-* "$kit/data/mnist/"
  fi
  SECONDS=0
}

pack() {
  KANTOR_CUDA_ARCHITECTURES=${KANTOR_CUDA_ARCHITECTURES:-all}
  kit=$root/target/gpu-kit
  rm -rf "$kit"
  make_kit
  tar -C "$kit" --owner=0 --group=0 --sort=name -cJf "$kit.tar.xz" .
  say "$kit.tar.xz, $(du -m "$kit.tar.xz" | cut -f1) MB"
}

conformance() {
  local status=0 rounding states
  : >"$out/checks.jsonl"
  check ptx "$kit/tests/kantor_cuda_tests" -ts=gpu || status=1
  check ops "$kit/tests/kantor_cuda_tests" -tse=gpu "-sfe=$of_the_cpu" || status=1
  KANTOR_TESTED_EXECUTOR=persistent check persistent "$kit/tests/kantor_cuda_tests" "-sf=$of_programs" || status=1
  if "$kit/kantor/kantor" info --program gan --device "$device+cudnn" >"$out/engine.log" 2>&1; then
    KANTOR_TESTED_EXECUTOR=cudnn check engine "$kit/tests/kantor_cuda_tests" "-sf=*conv_test*,*gemm_test*,*training_step*" || status=1
  else
    say "without engine=cudnn: $(tail -n 1 "$out/engine.log")"
  fi
  states=$(fresh states)
  limited 240 python3 "$here/states.py" --kantor "$kit/kantor/kantor" --device "$device" --out "$states" \
    ${variants:+--variants "$variants"} ${emulated:+--small} >>"$out/checks.jsonl" || status=1
  for rounding in tf32 bf16; do
    rm -rf "${states:?}"/*-cpu-fp32
    limited 120 python3 "$here/states.py" --kantor "$kit/kantor/kantor" --device "$device" --out "$states" \
      --precision $rounding --variants "${variants:-wgan-gp,wdcgan-gp}" ${emulated:+--small} >>"$out/checks.jsonl" || status=1
  done
  limited 120 python3 "$here/states.py" --kantor "$kit/kantor/kantor" --device "$device" --out "$(fresh bits)" --same-bits \
    --iterations $([[ -n $emulated ]] && echo 4 || echo 200) --variants "${variants:-wgan-gp,wdcgan-gp}" \
    ${emulated:+--small} >>"$out/checks.jsonl" || status=1
  limited 180 python3 "$root/bench/peers/peer.py" check ${variants:+--variants "$variants"} \
    ${emulated:+--device cpu --engines eager} >>"$out/checks.jsonl" 2>"$out/peers.log" || status=1
  return "$status"
}

# Names the folders of cuBLAS and cuDNN for engine=cudnn: those that came with PyTorch, where nothing else is said.
find_libraries() {
  [[ -n ${KANTOR_CUDA_LIBRARY_PATH:-} ]] && return
  KANTOR_CUDA_LIBRARY_PATH=$(python3 - <<'END'
import glob, os, site, sys, sysconfig
roots = [sysconfig.get_path("purelib"), *site.getsitepackages(), site.getusersitepackages(), *sys.path]
folders = {}
for root in dict.fromkeys(roots):
    for name in ("libcublas.so.1[23]", "libcudnn.so.9"):
        for file in glob.glob(os.path.join(root, "nvidia", "*", "lib", name)):
            folders.setdefault(name, os.path.dirname(file))
if len(folders) == 2:
    print(":".join(dict.fromkeys(folders.values())))
END
  ) || true
  if [[ -n $KANTOR_CUDA_LIBRARY_PATH ]]; then export KANTOR_CUDA_LIBRARY_PATH; else unset KANTOR_CUDA_LIBRARY_PATH; fi
}

# An empty folder of the results.
fresh() {
  rm -rf "${out:?}/$1"
  mkdir -p "$out/$1"
  printf '%s' "$out/$1"
}

sanitize() {
  local status=0 tool
  if ! type -P compute-sanitizer >/dev/null; then
    say "compute-sanitizer is not on the PATH; it comes with the CUDA toolkit"
    return 1
  fi
  for tool in ${tools//,/ }; do
    KANTOR_SMALL_CASES=1 check "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 --target-processes all \
      "$kit/tests/kantor_cuda_tests" "-sfe=$of_the_cpu" || status=1
    KANTOR_SMALL_CASES=1 KANTOR_TESTED_EXECUTOR=persistent check "$tool-persistent" compute-sanitizer --tool "$tool" \
      --error-exitcode 9 --target-processes all "$kit/tests/kantor_cuda_tests" "-sf=$of_programs" || status=1
  done
  return "$status"
}

bench() {
  local status=0
  limited 120 python3 "$here/ops.py" --library "$kit/kantor/native/libkantor.so" --device "$device" --seconds 40 \
    ${emulated:+--rivals-on cpu --batch-sizes 1 --precision fp32} >"$out/ops.jsonl" 2>"$out/ops.log" || status=1
  : >"$out/results.jsonl"
  local left=$((step_end - SECONDS - 10))
  limited $((left + 5)) python3 "$here/race.py" --kantor "$kit/kantor/kantor" --device "$device" --out "$out" \
    --budget "$left" ${emulated:+--rivals-on cpu --engines eager --limit 64 --configurations gan:2:fp32} || status=1
  return "$status"
}

headline() {
  local run begin
  run=$(fresh headline)/run
  rm -f "$out/headline.json" "$out/headline.png"
  begin=$EPOCHREALTIME
  limited "$budget" "$kit/kantor/kantor" train wgan-gp --data mnist --critic-steps 1 --epochs 100 --checkpoint-every 100 \
    --device "$device" --precision "$precision" --out "$run" >"$out/headline.log" 2>&1 || {
    tail -n 5 "$out/headline.log" >&2
    return 1
  }
  # The metrics' last row has the time spent training; the difference to the whole is the start.
  awk -F, -v begin="$begin" -v end="$EPOCHREALTIME" -v precision="$precision" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    END {
      printf "{\"seconds\": %s, \"wall_seconds\": %.3f, \"iterations\": %s, \"precision\": \"%s\"}\n",
        $column["seconds"], end - begin, $column["iteration"], precision
    }' "$run/metrics.csv" >"$out/headline/result.json" || return 1
  mv "$out/headline/result.json" "$out/headline.json"
  limited 60 "$kit/kantor/kantor" sample "$run" --count 100 --out "$out/headline.png"
}

table() { python3 "$here/table.py" "$out"; }

result=0
for ((next = 0; next < ${#steps[@]}; ++next)); do
  step=${steps[next]}
  case $step in
    pack)
      pack
      continue
      ;;
    table)
      table
      continue
      ;;
  esac
  if [[ -z $emulated ]] && ! nvidia-smi -L >"$out/gpu.txt" 2>&1; then
    die "no NVIDIA GPU answers here ($(head -n 1 "$out/gpu.txt")); $step needs one"
  fi
  find_kit
  find_libraries
  limit "${steps[@]:next}"
  [[ -d $kit/data && -z ${KANTOR_DATA:-} ]] && export KANTOR_DATA=$kit/data
  say "$step, at most $((step_end - SECONDS)) s"
  "$step" || {
    result=1
    say "$step failed"
  }
  table || result=1
done
exit $result
