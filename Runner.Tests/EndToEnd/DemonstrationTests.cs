using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>Measures a share of the CPU, so it runs alone.</summary>
[Collection(Measured.Name)]
public sealed class DemonstrationTests
{
    [Fact]
    public async Task The_demonstration_holds_at_every_step()
    {
        var demo = Path.Combine(Repository.Root, "Runner.Tests", "demo");
        var ran = (await ChildProcess.RunAsync(demo, [RunnerBinary.Path], RunnerBinary.Surroundings())).Expect(0);
        Assert.Contains("Every step held.", ran.Output, StringComparison.Ordinal);
    }
}
