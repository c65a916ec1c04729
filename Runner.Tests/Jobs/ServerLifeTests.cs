using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>Why jobs are lost is told by what the server before left.</summary>
public sealed class ServerLifeTests
{
    [Theory]
    [InlineData("boot 1", true, false, LostReason.HostReboot, "the host was rebooted")]
    [InlineData("boot 1", false, false, LostReason.HostReboot, "the host was rebooted")]
    [InlineData("boot 2", true, false, LostReason.KeeperDied, "the keeper died")]
    [InlineData("boot 2", false, false, LostReason.ServerDied, "the server died, and had no keeper")]
    [InlineData("boot 2", true, true, LostReason.NotAdopted, "another server could not go on with it")]
    internal void A_lost_job_s_reason_follows_from_the_life_before(string bootBefore, bool hadKeeper, bool keeperWasThere, LostReason why, string words) =>
        Assert.Equal(new JobEnd.Lost(words, why), new ServerLife("boot 2", true).WhyLost(new(bootBefore, hadKeeper), keeperWasThere));

    [Fact]
    public void A_life_before_that_nobody_wrote_down_gives_no_reason() =>
        Assert.Equal(LostReason.Unknown, new ServerLife("boot", true).WhyLost(null, false).Why);

    [Fact]
    public void The_last_life_is_kept_over_a_restart()
    {
        using var folder = new TemporaryFolder();
        using (var store = new SqliteJobStore(folder.At("runner.db")))
        {
            Assert.Null(store.LastLife());
            store.BeginLife(new("a", false));
            store.BeginLife(new("b", true));
        }
        using var again = new SqliteJobStore(folder.At("runner.db"));
        Assert.Equal(new ServerLife("b", true), again.LastLife());
    }
}
