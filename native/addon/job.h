#pragma once

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/error.h"

namespace thaw::addon {

/** Data of one JavaScript environment (the main thread or a worker thread). */
struct Environment {
  /** Set when the environment ends: running jobs stop at their next step. Outlives the environment in their
   * hands. */
  std::shared_ptr<std::atomic<bool>> closing = std::make_shared<std::atomic<bool>>(false);
};

struct Failure {
  ErrorCode code;
  std::string message;
  std::string node;
};

/** Runs `work`; the one place where exceptions of the engine are caught. Those of JavaScript itself pass
 * through. */
template <typename Work>
std::optional<Failure> attempt(Work&& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Napi::Error&) {
    throw;
  } catch (const EngineError& error) {
    return Failure{error.code, error.what(), error.node};
  } catch (const std::bad_alloc&) {
    return Failure{ErrorCode::engine, "not enough memory.", ""};
  } catch (const std::exception& error) {
    return Failure{ErrorCode::engine, error.what(), ""};
  }
}

inline const char* nameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::store:
      return "STORE";
    case ErrorCode::busy:
      return "BUSY";
    case ErrorCode::aborted:
      return "ABORTED";
    case ErrorCode::nonFinite:
      return "NON_FINITE";
    case ErrorCode::engine:
      break;
  }
  return "ENGINE";
}

/** JavaScript error with `code` and, where known, `node`. */
inline Napi::Error errorOf(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, nameOf(failure.code)));
  if (!failure.node.empty()) error.Set("node", Napi::String::New(env, failure.node));
  return error;
}

/** Calls `work` at once; a failure becomes a JavaScript exception. */
template <typename Work>
auto guarded(Napi::Env env, Work&& work) {
  using Result = decltype(work());
  if constexpr (std::is_void_v<Result>) {
    if (const auto failure = attempt(work)) throw errorOf(env, *failure);
  } else {
    std::optional<Result> result;
    if (const auto failure = attempt([&] { result.emplace(work()); })) throw errorOf(env, *failure);
    return *std::move(result);
  }
}

/** Memory that an object holds outside V8's heap, as V8 has been told of it. */
class ReportedMemory {
 public:
  void report(Napi::Env env, std::size_t bytes) {
    const auto now = static_cast<std::int64_t>(bytes);
    if (now != reported_) Napi::MemoryManagement::AdjustExternalMemory(env, now - reported_);
    reported_ = now;
  }

 private:
  std::int64_t reported_ = 0;
};

/** Is a job at work on an object? One at a time. */
class Occupancy {
 public:
  void require() const {
    if (busy_) throw EngineError(ErrorCode::busy, "a call on this object is still at work: await it first.");
  }
  void enter() {
    require();
    busy_ = true;
  }
  void leave() { busy_ = false; }

 private:
  bool busy_ = false;
};

/** The native part of a JavaScript object: one job at a time, none after disposal, its memory reported to V8.
 */
template <typename Native>
class Held {
 public:
  /** `name` as in "this <name> has been disposed". */
  explicit Held(std::string name) : name_(std::move(name)) {}

  void hold(Napi::Env env, std::unique_ptr<Native> native) {
    native_ = std::move(native);
    report(env);
  }

  /** Throws BUSY while a job is at work, ENGINE after disposal. */
  Native& open() {
    occupancy.require();
    if (native_ == nullptr) throw EngineError(ErrorCode::engine, "this " + name_ + " has been disposed.");
    return *native_;
  }

  /** Tells V8 how much memory is held now. */
  void report(Napi::Env env) { memory_.report(env, native_ == nullptr ? 0 : native_->bytes()); }

  void release(Napi::Env env) {
    native_.reset();
    report(env);
  }

  Occupancy occupancy;

 private:
  std::string name_;
  std::unique_ptr<Native> native_;
  ReportedMemory memory_;
};

/**
 * A thread for the many short jobs of one object, of which one runs at a time: OpenMP keeps a team of threads
 * for every thread that calls it.
 */
class JobThread {
 public:
  JobThread() : thread_([this] { loop(); }) {}
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;
  ~JobThread() {
    post({});
    thread_.join();
  }

  /** An empty task ends the thread. */
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      task_ = std::move(task);
      posted_ = true;
    }
    changed_.notify_one();
  }

 private:
  void loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return posted_; });
      posted_ = false;
      const std::function<void()> task = std::move(task_);
      lock.unlock();
      if (!task) return;
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  bool posted_ = false;
  std::thread thread_;
};

/**
 * Work off the event loop: a promise, settled when it is done. A job has a thread of its own or that of its
 * object, so that a long training takes none of the few threads that Node reads files with, and the end of
 * its environment (a worker thread that is terminated) stops it at the next step.
 */
class Job {
 public:
  using Work = std::function<void(const std::atomic<bool>& closing)>;
  using Result = std::function<Napi::Value(Napi::Env)>;

  /**
   * Runs `work` on `thread`, a new one where that is null, then `result` on the thread of JavaScript. `kept`
   * stays alive until then, and so do `occupancy` (null where calls may overlap) and `thread`, members of one
   * of them. Throws BUSY.
   */
  static Napi::Promise start(Napi::Env env, Occupancy* occupancy, const std::vector<Napi::Object>& kept,
                             Work work, Result result, JobThread* thread = nullptr) {
    if (occupancy != nullptr) occupancy->enter();
    auto* job = new Job(env, occupancy, kept, std::move(work), std::move(result));
    const Napi::Promise promise = job->deferred_.Promise();
    if (auto failure = attempt([job, thread] { job->begin(thread); })) {
      job->failure_ = std::move(failure);
      job->settle(env);
      job->finished_.Release();
    }
    return promise;
  }

 private:
  Job(Napi::Env env, Occupancy* occupancy, const std::vector<Napi::Object>& kept, Work work, Result result)
      : deferred_(Napi::Promise::Deferred::New(env)),
        occupancy_(occupancy),
        closing_(env.GetInstanceData<Environment>()->closing),
        work_(std::move(work)),
        result_(std::move(result)) {
    for (const Napi::Object& object : kept) kept_.push_back(Napi::Persistent(object));
    const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
    finished_ = Napi::ThreadSafeFunction::New(env, nothing, "thaw", 0, 1, [this](Napi::Env) { end(); });
  }

  void begin(JobThread* thread) {
    if (thread == nullptr) {
      thread_ = std::thread([this] { run(); });
      return;
    }
    // Not the job's own: `end` deletes the job as soon as it is set.
    const auto done = std::make_shared<std::promise<void>>();
    done_ = done->get_future();
    thread->post([this, done] {
      run();
      done->set_value();
    });
  }

  /** On the job's thread. */
  void run() {
    failure_ = attempt([this] { work_(*closing_); });
    const auto settle = [this](Napi::Env env, const Napi::Function&) { this->settle(env); };
    if (finished_.NonBlockingCall(settle) != napi_closing) finished_.Release();
  }

  void settle(Napi::Env env) {
    if (occupancy_ != nullptr) occupancy_->leave();
    if (failure_)
      deferred_.Reject(errorOf(env, *failure_).Value());
    else
      deferred_.Resolve(result_(env));
  }

  /** After `settle`, or when the environment ends before it. */
  void end() {
    if (thread_.joinable()) thread_.join();
    if (done_.valid()) done_.wait();
    delete this;
  }

  Napi::Promise::Deferred deferred_;
  Occupancy* occupancy_;
  std::shared_ptr<std::atomic<bool>> closing_;
  std::vector<Napi::ObjectReference> kept_;
  Work work_;
  Result result_;
  std::optional<Failure> failure_;
  Napi::ThreadSafeFunction finished_;
  std::thread thread_;
  std::future<void> done_;
};

}  // namespace thaw::addon
