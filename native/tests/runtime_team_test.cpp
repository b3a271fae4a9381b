#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "runtime/cpu/team.h"

using namespace kantor;

namespace {

// Every task adds one to a cell that no other task of its stage touches; a stage's tasks read what the stage before
// wrote. No atomics: what is wrong with the hand-over between threads shows as a wrong sum, and to the thread sanitizer
// as a race.
class CountingJob : public StageJob {
 public:
  CountingJob(std::vector<int> tasks, int rounds) : tasks_(std::move(tasks)), rounds_(rounds), cells_(kCells) {}

  int tasks(int stage) const override { return tasks_[static_cast<size_t>(stage)]; }
  void run(int stage, int first, int last, int) override {
    for (int t = first; t < last; ++t) cells_[static_cast<size_t>((t * 7 + stage) % kCells)] += 1;
  }
  int next(int stage) override {
    if (static_cast<size_t>(stage + 1) < tasks_.size()) return stage + 1;
    return ++done_ < rounds_ ? 0 : kEnd;
  }
  int64_t sum() const {
    int64_t total = 0;
    for (int64_t cell : cells_) total += cell;
    return total;
  }
  int64_t expected() const {
    int64_t total = 0;
    for (int n : tasks_) total += n;
    return total * rounds_;
  }

 private:
  static constexpr int kCells = 997;  // prime, more than a stage has tasks
  std::vector<int> tasks_;
  int rounds_, done_ = 0;
  std::vector<int64_t> cells_;
};

// Squares the smallest normal number on each thread.
class DenormalJob : public StageJob {
 public:
  int tasks(int) const override { return 64; }
  void run(int, int first, int last, int) override {
    for (int t = first; t < last; ++t) {
      volatile float tiny = std::numeric_limits<float>::min();
      results[t] = tiny * 0.5f;
    }
  }
  int next(int stage) override { return stage == kEnd ? 0 : kEnd; }
  float results[64] = {};
};

}  // namespace

TEST_CASE("a team runs every task of every stage once, however many threads there are") {
  for (int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    Team team(threads);
    for (std::vector<int> tasks :
         {std::vector<int>{1}, {2}, {1, 1, 5, 1}, {64, 3, 900, 1, 1, 17}, {2, 2, 2, 2, 2, 2, 2, 2}})
      for (int rounds : {1, 2, 100}) {
        CountingJob job(tasks, rounds);
        team.run(job);
        CHECK_EQ(job.sum(), job.expected());
      }
  }
}

TEST_CASE("a team runs one job after another") {
  Team team(3);
  for (int i = 0; i < 300; ++i) {
    CountingJob job({3, 1, 40}, 3);
    team.run(job);
    REQUIRE_EQ(job.sum(), job.expected());
  }
}

TEST_CASE("a team may be closed straight after a run") {
  // A worker that is still on its way out of the run must not miss the end: it would sleep, and the close wait, for good.
  for (int i = 0; i < 3000; ++i) {
    CountingJob job({5, 7}, 2);
    {
      Team team(2);
      team.run(job);
    }
    REQUIRE_EQ(job.sum(), job.expected());
  }
}

TEST_CASE("denormals are flushed during a run, and only then") {
  volatile float tiny = std::numeric_limits<float>::min();
  for (int threads : {1, 2}) {
    Team team(threads);
    DenormalJob job;
    team.run(job);
    for (float result : job.results) CHECK_EQ(result, 0.0f);
    float after = tiny * 0.5f;
    CHECK_GT(after, 0.0f);
  }
}
