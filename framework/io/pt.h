#pragma once
#include <gradus/framework/module/state_dict.h>

#include <string>

namespace gradus {

/// Reads what `torch.save` wrote since PyTorch 1.6: a state dict, or a checkpoint of dicts, lists
/// and tuples, such as {"model": state_dict, "epoch": 3}. The pickle in it is read as data: nothing
/// is executed, and anything but tensors, numbers, texts and containers is refused by name.
///
/// Names join the keys and positions that lead to a tensor with dots: "model.0.weight"; a tensor
/// that was saved alone is called "tensor". Numbers and texts go into the metadata under such
/// names. float16 and bfloat16 become float32, every other integer int64. Views are copied; two
/// names of one view (tied weights) share one tensor. Parameters come with their frozen flag.
///
/// Throws FormatError naming the file, the tensor or the byte of the pickle and what is wrong, also
/// for whole pickled modules, TorchScript and files of PyTorch before 1.6, with the cure; Error if
/// the file cannot be read.
GRADUS_API StateDict load_pt(const std::string& path);

}  // namespace gradus
