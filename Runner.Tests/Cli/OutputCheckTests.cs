using Runner.Cli;
using Runner.Output;

namespace Runner.Tests.Cli;

/// <summary>What `verify` says of a stream.</summary>
public sealed class OutputCheckTests
{
    [Theory]
    [InlineData(3, "aa", false, true, "as recorded")]
    [InlineData(3, "bb", false, false, "but bb was recorded")]
    [InlineData(4, null, true, false, "but 4 bytes were recorded")]
    [InlineData(3, null, true, false, "as many as recorded, but there is no digest yet to compare with: its server is making it, try again")]
    [InlineData(3, null, false, false, "as many as recorded, but no digest was recorded to compare with")]
    public void Only_what_was_compared_with_a_digest_is_good(long recorded, string? digest, bool isDue, bool isGood, string finding)
    {
        var check = new StreamCheck(OutputKind.Stdout, 3, recorded, "aa", digest, null, IsPruned: false, Size: 3, isDue);
        Assert.Equal((isGood, $"stdout: 3 bytes, sha256 aa, {finding}"), (check.IsGood, check.ToString()));
    }
}
