# The formula of a release: `.ci/formula SHA256SUMS VERSION` fills in version and digests.
class Pipectl < Formula
  desc "Manages ClickHouse Cloud ClickPipes as code, from git"
  homepage "https://github.com/OWNER/pipectl"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/OWNER/pipectl/releases/download/v@VERSION@/pipectl-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin@"
    end
    on_intel do
      url "https://github.com/OWNER/pipectl/releases/download/v@VERSION@/pipectl-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin@"
    end
  end
  on_linux do
    on_arm do
      url "https://github.com/OWNER/pipectl/releases/download/v@VERSION@/pipectl-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "https://github.com/OWNER/pipectl/releases/download/v@VERSION@/pipectl-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "pipectl"
    man1.install "pipectl.1"
    bash_completion.install "completions/pipectl.bash" => "pipectl"
    fish_completion.install "completions/pipectl.fish"
    zsh_completion.install "completions/pipectl.zsh" => "_pipectl"
  end

  test do
    system bin/"pipectl", "init", "."
    system bin/"pipectl", "apply", "example.yaml", "--sandbox", "--yes"
  end
end
