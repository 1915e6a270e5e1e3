// JPEG by libjpeg, which leaves by longjmp when it fails: what runs between setjmp and there holds nothing that needs a
// destructor.
#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>

#include "engine/types/error.h"
#include "nn/data/picture.h"

#if CHAINRULE_JPEG
#include <jpeglib.h>
#endif

namespace chainrule {

#if CHAINRULE_JPEG
namespace {

constexpr int kMostScans = 200;  // a progressive file has about ten; each of thousands would be a pass over the picture

struct JpegJob {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf way_out;
  char message[JMSG_LENGTH_MAX];
  bool failed;
};

JpegJob& job_of(j_common_ptr info) { return *static_cast<JpegJob*>(info->client_data); }

[[noreturn]] void leave_jpeg(j_common_ptr info) {
  JpegJob& job = job_of(info);
  info->err->format_message(info, job.message);
  job.failed = true;
  std::longjmp(job.way_out, 1);
}

void on_jpeg_message(j_common_ptr info, int level) {
  if (level < 0) leave_jpeg(info);  // a warning: the data is damaged, and what comes of it is a guess
}

void on_jpeg_progress(j_common_ptr info) {
  JpegJob& job = job_of(info);
  if (!info->is_decompressor || job.info.input_scan_number <= kMostScans) return;
  std::snprintf(job.message, sizeof job.message, "it has more than %d scans", kMostScans);
  job.failed = true;
  std::longjmp(job.way_out, 1);
}

/// Reads the header; false when that failed.
bool open_jpeg(JpegJob& job, const unsigned char* bytes, unsigned long size) {
  job.info.err = jpeg_std_error(&job.errors);
  job.errors.error_exit = leave_jpeg;
  job.errors.emit_message = on_jpeg_message;
  job.info.client_data = &job;
  if (setjmp(job.way_out) != 0) return false;  // NOLINT(cert-err52-cpp): the library knows no other way
  jpeg_create_decompress(&job.info);
  job.info.client_data = &job;  // it has just been cleared
  job.progress.progress_monitor = on_jpeg_progress;
  job.info.progress = &job.progress;
  jpeg_mem_src(&job.info, bytes, size);
  jpeg_read_header(&job.info, TRUE);
  return true;
}

bool read_jpeg(JpegJob& job, bool grey, unsigned char* out) {
  if (setjmp(job.way_out) != 0) return false;  // NOLINT(cert-err52-cpp)
  job.info.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  job.info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&job.info);
  const unsigned long row_bytes = static_cast<unsigned long>(job.info.output_width) * (grey ? 1U : 3U);
  while (job.info.output_scanline < job.info.output_height) {
    JSAMPROW row = out + job.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&job.info, &row, 1);
  }
  jpeg_finish_decompress(&job.info);
  return true;
}

/// The job's memory, given back on every way out.
struct JpegCloser {
  JpegJob& job;
  ~JpegCloser() { jpeg_destroy_decompress(&job.info); }
};

}  // namespace

PicturePixels parse_jpeg(std::string_view bytes, const std::string& who, bool grey) {
  JpegJob job{};
  const JpegCloser closer{job};
  const auto refuse = [&] { throw ValueError(fmt::format("{}: libjpeg cannot read it: {}", who, job.message)); };
  if (!open_jpeg(job, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) refuse();
  const auto width = static_cast<std::int64_t>(job.info.image_width),
             height = static_cast<std::int64_t>(job.info.image_height);
  // A block of 64 pixels takes at least a bit; the rest of it can be shared by many.
  check_picture_size(who, width, height, 512, bytes.size());
  PicturePixels pixels{height, width, grey ? 1 : 3, {}};
  pixels.bytes.resize(static_cast<std::size_t>(width * height * pixels.channels));
  if (!read_jpeg(job, grey, reinterpret_cast<unsigned char*>(pixels.bytes.data()))) refuse();
  return pixels;
}

#else

PicturePixels parse_jpeg(std::string_view, const std::string& who, bool) {
  throw EnvironmentError(
      who +
      ": this build of chainrule reads no JPEG files; install libjpeg-dev (libjpeg-turbo) and build it "
      "again, or turn the pictures into PNG");
}

#endif

}  // namespace chainrule
