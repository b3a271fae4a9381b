// Memory that a task needs only while it runs. Each task of a phase could have a place of its own, but that would be new
// memory, in nobody's cache, for every task: here a task takes the first place that is free, so that as many places are
// used as there are threads at work, over and over. What a task finds in its place must not matter to it.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>

#include "runtime/op.h"

namespace kantor {

class Workspaces {
 public:
  // So many floats for each of at most `tasks` tasks that run at a time.
  Workspaces(int64_t tasks, int64_t floats, Plan& plan)
      : count_(static_cast<size_t>(tasks)),
        bytes_((static_cast<size_t>(floats) * sizeof(float) + 63) / 64 * 64),
        at_(plan.scratch(count_ * bytes_)),
        taken_(std::make_unique<Mark[]>(count_)) {}

  // A place, for as long as this lives.
  class Lease {
   public:
    Lease(const Workspaces& places, std::byte* scratch) : places_(places) {
      while (places_.taken_[index_].exchange(true, std::memory_order_acquire)) index_ = (index_ + 1) % places_.count_;
      floats_ = reinterpret_cast<float*>(scratch + places_.at_ + index_ * places_.bytes_);
    }
    ~Lease() { places_.taken_[index_].store(false, std::memory_order_release); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    float* floats() const { return floats_; }

   private:
    const Workspaces& places_;
    size_t index_ = 0;
    float* floats_;
  };

 private:
  using Mark = std::atomic<bool>;
  size_t count_, bytes_, at_;
  std::unique_ptr<Mark[]> taken_;
};

}  // namespace kantor
