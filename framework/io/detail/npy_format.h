#pragma once
#include <gradus/framework/io/detail/elements.h>

#include <cstdint>
#include <string>

/// The .npy format, as files and as members of .npz archives.
/// Source: numpy.org, "NEP 1: a simple file format for NumPy arrays", and numpy.lib.format.
namespace gradus::detail {

/// Reads an array that takes all of `size` bytes.
Tensor read_npy(std::uint64_t size, const ReadBytes& read, const Fail& fail);

/// What precedes the values of a tensor in a file: the bytes that NumPy writes.
std::string npy_header(const Tensor& tensor);

}  // namespace gradus::detail
