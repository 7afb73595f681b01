#include <gradus/framework/base/parallel.h>

void ask_for_no_threads() { gradus::set_num_threads(0); }
