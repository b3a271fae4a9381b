#include "runtime/cpu/team.h"

#include <pthread.h>
#include <signal.h>

#include <string>

#include "runtime/cpu/float_mode.h"

namespace kantor {

namespace {

constexpr int kStageBits = 24;
constexpr uint64_t kStageMask = (uint64_t{1} << kStageBits) - 1;
constexpr uint64_t kIdle = kStageMask;      // no run under way
constexpr uint64_t kQuit = kStageMask - 1;  // the team is closing

// About 20 us of spinning bridges the gap between two stages; with more threads than cores somebody else needs the
// core.
constexpr int kSpins = 1000, kSpinsOversubscribed = 40, kYields = 20;

uint64_t stage_of(uint64_t current) { return current & kStageMask; }
uint64_t epoch_of(uint64_t current) { return current >> kStageBits; }

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Team::Parking::wake_all() {
  if (sleepers.load(std::memory_order_seq_cst) == 0) return;
  word.fetch_add(1, std::memory_order_seq_cst);
  word.notify_all();
}

Team::Team(int threads) : threads_(threads), lanes_(new Lane[static_cast<size_t>(threads)]), current_(kIdle) {
  unsigned processors = std::thread::hardware_concurrency();
  spins_ = processors && static_cast<unsigned>(threads) > processors ? kSpinsOversubscribed : kSpins;
  // Signals are the caller's business: a worker of a JVM's process must not be the one to run its handlers.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int i = 1; i < threads; ++i) pool_.emplace_back([this, i] { work(i); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    publish(static_cast<int>(kQuit));
    for (std::thread& thread : pool_) thread.join();
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Team::~Team() {
  publish(static_cast<int>(kQuit));
  for (std::thread& thread : pool_) thread.join();
}

void Team::run(StageJob& job) {
  FlushDenormals flush;
  job_ = &job;
  int stage = skip_single_tasks(job.next(StageJob::kEnd), 0);
  if (threads_ == 1) {
    while (stage != StageJob::kEnd) {
      job.run(stage, 0, job.tasks(stage), 0);
      stage = job.next(stage);
    }
    return;
  }
  if (stage == StageJob::kEnd) return;
  publish(stage);
  for (uint64_t seen = participate(0); stage_of(seen) != kIdle; seen = participate(0)) sleep(caller_, seen);
  // A worker may still be on its way out; only then may the job go away.
  for (int i = 0; active_.load(std::memory_order_seq_cst) != 0; ++i) i < spins_ ? pause() : std::this_thread::yield();
}

void Team::work(int thread) {
  pthread_setname_np(pthread_self(), ("kantor-" + std::to_string(thread)).c_str());
  FlushDenormals flush;
  for (;;) {
    uint64_t seen = current_.load(std::memory_order_acquire);
    if (stage_of(seen) == kQuit) return;
    if (stage_of(seen) != kIdle) {
      active_.fetch_add(1, std::memory_order_seq_cst);
      // Run publishes kIdle before it looks at active_: whoever sees a stage from here on still has the job.
      seen = participate(thread);
      active_.fetch_sub(1, std::memory_order_seq_cst);
      // The run may have ended and the team been closed meanwhile; nothing would wake this thread any more.
      if (stage_of(seen) == kQuit) return;
    }
    if (stage_of(seen) != kIdle || !spin(seen)) sleep(workers_, seen);
  }
}

// Takes part until the run is over or nothing new comes for a while; returns what was current then.
uint64_t Team::participate(int thread) {
  uint64_t seen = current_.load(std::memory_order_seq_cst);
  while (stage_of(seen) < kQuit) {
    int done = run_stage(seen, thread);
    if (done > 0 && pending_.fetch_sub(done, std::memory_order_acq_rel) == done)
      publish(skip_single_tasks(job_->next(static_cast<int>(stage_of(seen))), thread));
    if (!spin(seen)) return seen;
    seen = current_.load(std::memory_order_seq_cst);
  }
  return seen;
}

// Runs what this thread can get of the stage; returns how many tasks.
int Team::run_stage(uint64_t current, int thread) {
  int stage = static_cast<int>(stage_of(current)), done = 0;
  int64_t tasks = job_->tasks(stage);
  for (int k = 0; k < threads_; ++k) {
    int lane = thread + k < threads_ ? thread + k : thread + k - threads_;
    int begin = static_cast<int>(tasks * lane / threads_), end = static_cast<int>(tasks * (lane + 1) / threads_);
    for (int first, last; claim(lanes_[static_cast<size_t>(lane)], epoch_of(current), end - begin, &first, &last);) {
      job_->run(stage, begin + first, begin + last, thread);
      done += last - first;
    }
  }
  return done;
}

// A lane is reset by the first claim in its stage's epoch. A claim for a stage that is over cannot succeed: it ended
// only when all its tasks were taken, which left the lane at its end or in a later epoch.
bool Team::claim(Lane& lane, uint64_t epoch, int size, int* first, int* last) const {
  if (size == 0) return false;
  uint64_t value = lane.next.load(std::memory_order_relaxed);
  for (;;) {
    if (epoch_of(value) > epoch) return false;
    int at = epoch_of(value) == epoch ? static_cast<int>(stage_of(value)) : 0;
    if (at >= size) return false;
    int taken = 1 + (size - at) / 8;
    uint64_t after = epoch << kStageBits | static_cast<uint64_t>(at + taken);
    if (lane.next.compare_exchange_weak(value, after, std::memory_order_relaxed)) {
      *first = at;
      *last = at + taken;
      return true;
    }
  }
}

// Stages of one task need nobody else.
int Team::skip_single_tasks(int stage, int thread) {
  while (stage != StageJob::kEnd && job_->tasks(stage) == 1) {
    job_->run(stage, 0, 1, thread);
    stage = job_->next(stage);
  }
  return stage;
}

void Team::publish(int stage) {
  uint64_t value = stage == StageJob::kEnd ? kIdle : static_cast<uint64_t>(stage);
  if (value < kQuit) pending_.store(job_->tasks(stage), std::memory_order_relaxed);
  uint64_t epoch = epoch_of(current_.load(std::memory_order_relaxed)) + 1;
  current_.store(epoch << kStageBits | value, std::memory_order_seq_cst);
  caller_.wake_all();
  if (value != kIdle) workers_.wake_all();
}

// Waits a while for something other than seen; false: nothing came.
bool Team::spin(uint64_t seen) const {
  for (int i = 0; i < spins_ + kYields; ++i) {
    if (current_.load(std::memory_order_acquire) != seen) return true;
    i < spins_ ? pause() : std::this_thread::yield();
  }
  return false;
}

void Team::sleep(Parking& parking, uint64_t seen) {
  parking.sleepers.fetch_add(1, std::memory_order_seq_cst);
  uint32_t word = parking.word.load(std::memory_order_seq_cst);
  if (current_.load(std::memory_order_seq_cst) == seen) parking.word.wait(word);
  parking.sleepers.fetch_sub(1, std::memory_order_seq_cst);
}

}  // namespace kantor
