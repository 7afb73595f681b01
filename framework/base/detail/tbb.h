#pragma once
// The one file that includes TBB's parallel loop: its headers cost over a second per file.
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
