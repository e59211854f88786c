#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace thaw {

/** Fixed number of threads (the calling one included) that take the indices of a loop one by one. */
class ThreadPool {
 public:
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const { return workers_.size() + 1; }

  /**
   * Calls task(index, thread) for every index below `count` and returns when all are done; `thread` is below
   * threads(). After an exception no further index is taken, and the first one is thrown here.
   */
  void forEach(std::size_t count, const std::function<void(std::size_t index, std::size_t thread)>& task);

 private:
  void close();
  void serve(std::size_t thread);
  void takeIndices(std::size_t thread) noexcept;

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable finished_;
  std::uint64_t round_ = 0;
  std::size_t busy_ = 0;
  bool closing_ = false;
  const std::function<void(std::size_t, std::size_t)>* task_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::exception_ptr failure_;
};

}  // namespace thaw
