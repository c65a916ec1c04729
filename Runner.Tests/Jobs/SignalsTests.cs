using Runner.Jobs;

namespace Runner.Tests.Jobs;

public sealed class SignalsTests
{
    [Theory]
    [InlineData("TERM", 15), InlineData("SIGTERM", 15), InlineData("sigTerm", 15), InlineData("15", 15), InlineData("hup", 1), InlineData("KILL", 9)]
    [InlineData("1", 1), InlineData("64", 64), InlineData("32", 32), InlineData("SYS", 31), InlineData("IOT", 6), InlineData("CLD", 17), InlineData("POLL", 29)]
    [InlineData("RTMIN", 34), InlineData("SIGRTMIN+0", 34), InlineData("rtmin+30", 64), InlineData("RTMAX", 64), InlineData("RTMAX-30", 34), InlineData("SIGRTMAX-1", 63)]
    public void A_signal_has_a_number_and_names(string text, int number)
    {
        Assert.True(Signals.TryParse(text, out var signal));
        Assert.Equal(number, signal);
    }

    [Theory]
    [InlineData(""), InlineData("0"), InlineData("65"), InlineData("-1"), InlineData("+9"), InlineData("9 "), InlineData("SIG"), InlineData("SIG9"), InlineData("TERMINATE")]
    [InlineData("RTMIN+31"), InlineData("RTMAX-31"), InlineData("RTMIN-1"), InlineData("RTMIN+"), InlineData("RTMIN+99999999999"), InlineData("SIGSIGTERM"), InlineData("99999999999")]
    public void What_is_no_signal_is_none(string text) => Assert.False(Signals.TryParse(text, out _));

    [Fact]
    public void Every_name_that_is_shown_is_understood() => Assert.All(
        Enumerable.Range(1, Signals.Most).Except([32, 33]), number =>
        {
            Assert.True(Signals.TryParse(Signals.Name(number), out var signal), Signals.Name(number));
            Assert.Equal(number, signal);
        });
}
