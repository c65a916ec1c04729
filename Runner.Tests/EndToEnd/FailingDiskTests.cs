using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>A state folder on a disk that does not take what is written, or does not give it back, in a virtual machine with device mapper.</summary>
[Collection(VirtualMachines.Name)]
public sealed class FailingDiskTests
{
    [Fact]
    public async Task What_a_disk_does_not_take_waits_until_it_does_and_is_there_after_a_power_cut_and_what_it_does_not_give_back_is_told()
    {
        var guest = await Guest.RunAsync("guest-disk.sh", TimeSpan.FromMinutes(15), "--modules", "loop dm-flakey quota_v2");

        // No write reaches the disk for a time.
        Assert.Matches("^it could not be brought to the disk: fsync /var/lib/runner/jobs/.*: Input/output error$", guest.Line("writes-held"));
        Assert.Matches("^it could not be recorded: .*disk I/O error", guest.Line("silent-held"));
        Assert.Equal(["running", "running"], [guest.Line("writes-state"), guest.Line("silent-state")]);
        Assert.Matches("could not be stored: .*disk I/O error", guest.Line("refused"));
        Assert.Collection(guest.Lines["doctor"],
            line => Assert.StartsWith("works    state disk ", line, StringComparison.Ordinal),
            line => Assert.Matches("^missing  state disk +it does not take what is written: fsync /var/lib/runner/.*: Input/output error$", line));
        Assert.Equal(["3", "7"], [guest.Line("writes-ends"), guest.Line("silent-ends")]);
        AssertKept("writes", 200_000, diskFailed: true);
        Assert.Equal(Digest(200_000), guest.Line("writes-disk"));
        Assert.False(guest.Job("silent").GetProperty("output").GetProperty("disk_failed").GetBoolean());

        Assert.Contains("Disk quota exceeded", guest.Line("much-held"), StringComparison.Ordinal);
        Assert.Equal("6", guest.Line("much-ends"));
        AssertKept("much", 500_000, diskFailed: false);

        // Blocks that cannot be read back: one of the output, and that of the index, which only times are told by.
        var (text, gone) = (Encoding.ASCII.GetBytes(Text(300_000) + "late\n"), 256 * 4096);
        Assert.Equal("running", guest.Line("unread-state"));
        Assert.Equal(Hex(text[..gone]), guest.Line("unread-head"));
        Assert.Matches($"from byte {gone} on: Input/output error : '/var/lib/runner/jobs/.*/stdout'", guest.Line("unread-error"));
        Assert.Equal("8", guest.Line("unread-ends"));
        Assert.Matches("Input/output error : '/var/lib/runner/jobs/.*/index'", guest.Line("unread-times"));
        Assert.Equal(Hex(text[(gone + 4096)..]), guest.Line("unread-tail"));
        Assert.Equal(Hex(text), guest.Line("unread-whole"));
        Assert.Equal(text.Length, guest.Job("unread").GetProperty("stdout_bytes").GetInt32());
        Assert.False(guest.Job("unread").GetProperty("output").TryGetProperty("stdout_sha256", out _));

        // A server that was killed meanwhile, and its ends in the memory of the kernel alone.
        Assert.Equal(["9", "10"], [guest.Line("killed-ends"), guest.Line("spoke-ends")]);
        AssertKept("spoke", 100_000, diskFailed: true);
        Assert.Equal(Digest(100_000), guest.Line("spoke-disk"));
        Assert.Equal("0", guest.Line("same"));
        Assert.Equal("0", guest.Line("server"));

        // Read-only: what was there is read, and no server takes the job for ended.
        Assert.EndsWith("Read-only file system", guest.Line("turned-held"), StringComparison.Ordinal);
        Assert.Equal("running", guest.Line("turned-state"));
        Assert.Contains("could not be stored", guest.Line("turned-refused"), StringComparison.Ordinal);
        Assert.Matches("^missing  state disk +it does not take what is written: .*: Read-only file system$", guest.Line("turned-doctor"));
        Assert.Equal(Digest(100_000), guest.Line("turned-read"));
        Assert.Equal("1", guest.Line("turned-alive"));
        Assert.DoesNotContain(guest.Lines["log"], line => line.Contains("Z crit: ", StringComparison.Ordinal));

        void AssertKept(string name, int count, bool diskFailed)
        {
            var output = guest.Job(name).GetProperty("output");
            Assert.Equal((Digest(count), diskFailed), (output.GetProperty("stdout_sha256").GetString(), output.GetProperty("disk_failed").GetBoolean()));
        }
    }

    private static string Text(int count) => string.Concat(Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{number}\n")));

    private static string Digest(int count) => Hex(Encoding.ASCII.GetBytes(Text(count)));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
