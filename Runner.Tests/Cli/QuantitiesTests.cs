using FsCheck;
using FsCheck.Fluent;
using Runner.Cli;

namespace Runner.Tests.Cli;

public sealed class QuantitiesTests
{
    [Theory]
    [InlineData("1048576", 1048576)]
    [InlineData("512K", 524288)]
    [InlineData("10M", 10485760)]
    [InlineData("1G", 1073741824)]
    [InlineData("1GiB", 1073741824)]
    [InlineData("1gb", 1073741824)]
    [InlineData("0.5M", 524288)]
    [InlineData("0", 0)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes) => Assert.Equal(bytes, Quantities.Size("--memory", text));

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("1X")]
    [InlineData("1 M")]
    [InlineData("1e3")]
    [InlineData("0.3")]
    [InlineData("99999999999P")]
    [InlineData("NaN")]
    [InlineData("1iM")]
    [InlineData("1BB")]
    [InlineData("1i")]
    public void What_is_no_size_is_refused_with_what_would_be(string text)
    {
        var e = Assert.Throws<BadOptionException>(() => Quantities.Size("--memory", text));
        Assert.StartsWith($"--memory {text}: must be", e.Message);
    }

    [Theory]
    [InlineData("5", 5)]
    [InlineData("5s", 5)]
    [InlineData("500ms", 0.5)]
    [InlineData("2m", 120)]
    [InlineData("1h", 3600)]
    [InlineData("0", 0)]
    public void Times_are_read_as_people_write_them(string text, double seconds) => Assert.Equal(seconds, Quantities.Span("--grace", text).TotalSeconds);

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1w")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("NaN")]
    [InlineData("1e9h")]
    [InlineData("99999999d")]
    public void What_is_no_time_is_refused(string text) => Assert.Throws<BadOptionException>(() => Quantities.Span("--grace", text));

    [Theory, InlineData("3651d"), InlineData("99999999h")]
    public void A_time_that_is_too_long_is_told_how_long_it_may_be(string text) =>
        Assert.Equal($"--timeout {text}: must be at most 3650d", Assert.Throws<BadOptionException>(() => Quantities.Span("--timeout", text)).Message);

    [Fact]
    public void A_time_that_is_not_nothing_never_becomes_nothing() =>
        Assert.Equal(TimeSpan.FromTicks(1), Quantities.Span("--grace", "0.000000001s"));

    [Fact]
    public void Every_whole_number_of_units_is_read_exactly() => Prop.ForAll(
        Gen.Choose(0, 1_000_000).Zip(Gen.Choose(0, 3)).ToArbitrary(),
        pair => Quantities.Size("--memory", $"{pair.Item1}{"BKMG"[pair.Item2]}") == (long)pair.Item1 << (10 * pair.Item2)).QuickCheckThrowOnFailure();

    [Fact]
    public void No_text_breaks_the_reading() => Prop.ForAll<string>(text =>
    {
        try
        {
            return Quantities.Size("--memory", text ?? "") >= 0;
        }
        catch (BadOptionException)
        {
            return true;
        }
    }).QuickCheckThrowOnFailure();
}
