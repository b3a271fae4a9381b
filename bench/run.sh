#!/usr/bin/env bash
# Builds everything, then prints the benchmarks' tables: Kantor's ops, iterations and calls (JMH), and iterations and
# sampling beside libtorch's (kantor bench). What the numbers mean: README.md beside this.
#
#   bench/run.sh [OPTION ...]    options go to kantor bench: --threads 1, --json FILE, ...
#
# KANTOR_DATA names the data folder; with no MNIST in it, glyphs are trained on.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

./kantor info # builds, if need be, and says what runs
modules=java,bench
[[ -x bench/libtorch/target/dist/libtorch ]] || modules+=,bench/libtorch
mvn -B -q --no-transfer-progress package -pl "$modules" -DskipTests

# The launcher's JDK.
jdk=$(<java/target/kantor.stamp)
# JMH's forks take these options over.
"$jdk/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "bench/target/kantor-bench.jar:bench/target/lib/*" dev.kantor.bench.Report --against bench/libtorch/target/dist

./kantor bench --against libtorch "$@"
