#include "engine/thread_pool.h"

#include <utility>

namespace thaw {

ThreadPool::ThreadPool(std::size_t threads) {
  workers_.reserve(threads);
  try {
    for (std::size_t thread = 1; thread < threads; thread++)
      workers_.emplace_back([this, thread] { serve(thread); });
  } catch (...) {
    close();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  close();
}

void ThreadPool::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  started_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::forEach(std::size_t count, const std::function<void(std::size_t, std::size_t)>& task) {
  const bool shared = count > 1 && !workers_.empty();
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    next_ = 0;
    failure_ = nullptr;
    busy_ = shared ? workers_.size() : 0;
    if (shared) round_++;
  }
  if (shared) started_.notify_all();
  takeIndices(0);
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return busy_ == 0; });
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::serve(std::size_t thread) {
  for (std::uint64_t seen = 0;;) {
    {
      std::unique_lock lock(mutex_);
      started_.wait(lock, [&] { return closing_ || round_ != seen; });
      if (closing_) return;
      seen = round_;
    }
    takeIndices(thread);
    const std::lock_guard lock(mutex_);
    if (--busy_ == 0) finished_.notify_one();
  }
}

void ThreadPool::takeIndices(std::size_t thread) noexcept {
  try {
    for (std::size_t index = next_++; index < count_; index = next_++) (*task_)(index, thread);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (failure_ == nullptr) failure_ = std::current_exception();
    next_ = count_;
  }
}

}  // namespace thaw
