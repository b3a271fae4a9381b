// The threads of a CPU device, and how they go through a job's stages together.
//
// A stage's tasks are cut into one contiguous lane a thread; a thread takes from its own lane first, then from the
// others', so stages over the same data tend to keep each part in one core's cache, and a thread that the system holds
// up delays nobody but the tasks it has already taken. Whoever finishes the last task of a stage decides what comes
// next, runs stages of a single task itself, and publishes the next one: there is no barrier that all threads must
// reach. Waiting: a short spin, then yields, then sleep on a futex, so that more threads than cores still work well.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace kantor {

class StageJob {
 public:
  static constexpr int kEnd = -1;
  virtual ~StageJob() = default;
  virtual int tasks(int stage) const = 0;  // at least 1, at most kMaxTasks; constant during a run
  // Runs tasks [first, last) of a stage; called by many threads. Must not throw.
  virtual void run(int stage, int first, int last, int thread) = 0;
  // What follows once all tasks of `stage` are done (kEnd: what comes first), or kEnd. One thread at a time; it sees
  // all that the tasks wrote.
  virtual int next(int stage) = 0;
};

class Team {
 public:
  static constexpr int kMaxTasks = (1 << 24) - 1;
  static constexpr int kMaxStages = (1 << 24) - 3;

  // The calling thread of run counts as one; threads - 1 are started, named kantor-N.
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return threads_; }
  // Returns when next() said kEnd. The caller makes sure that there is one run at a time.
  void run(StageJob& job);

 private:
  struct alignas(64) Lane {
    std::atomic<uint64_t> next{0};  // epoch of the stage, next task of the lane
  };
  struct alignas(64) Parking {
    std::atomic<uint32_t> word{0};
    std::atomic<int> sleepers{0};
    void wake_all();
  };

  void work(int thread);
  uint64_t participate(int thread);
  bool claim(Lane& lane, uint64_t epoch, int size, int* first, int* last) const;
  int run_stage(uint64_t current, int thread);
  int skip_single_tasks(int stage, int thread);
  void publish(int stage);
  bool spin(uint64_t seen) const;
  void sleep(Parking& parking, uint64_t seen);

  const int threads_;
  int spins_;
  StageJob* job_ = nullptr;
  std::unique_ptr<Lane[]> lanes_;
  alignas(64) std::atomic<uint64_t> current_;  // epoch of the stage, its number
  alignas(64) std::atomic<int> pending_{0};    // tasks of the current stage not yet done
  alignas(64) std::atomic<int> active_{0};     // workers that may touch job_
  Parking workers_, caller_;
  std::vector<std::thread> pool_;
};

}  // namespace kantor
