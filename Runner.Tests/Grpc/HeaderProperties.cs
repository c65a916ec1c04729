using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Grpc.Shared;

namespace Runner.Tests.Grpc;

/// <summary>What holds for every timeout and every message that goes into a header.</summary>
public sealed class HeaderProperties
{
    private static readonly Gen<TimeSpan> Timeouts =
        from digits in Gen.Choose(0, 18)
        from value in Gen.Choose(0, int.MaxValue)
        select new TimeSpan((long)(value / (double)int.MaxValue * Math.Pow(10, digits)));

    private static readonly Gen<string> Texts = ArbMap.Default.GeneratorFor<string?>().Select(text => text ?? "");

    [Fact]
    public void A_timeout_is_never_shorter_on_the_other_side_and_longer_by_less_than_a_hundred_thousandth_or_100_ns() =>
        Prop.ForAll(Timeouts.ToArbitrary(), timeout =>
        {
            var text = GrpcTimeout.Format(timeout);
            Assert.Matches("^[0-9]{1,8}[HMSmun]$", text);
            Assert.True(GrpcTimeout.TryParse(text, out var parsed));
            Assert.InRange(parsed.Ticks, timeout.Ticks, timeout.Ticks + (timeout.Ticks / 10_000) + 1);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_timeout_that_was_parsed_goes_on_unchanged_or_a_little_longer() =>
        Prop.ForAll(Gen.Choose(0, 99_999_999).ToArbitrary(), Gen.Elements('H', 'M', 'S', 'm', 'u', 'n').ToArbitrary(), (value, unit) =>
        {
            Assert.True(GrpcTimeout.TryParse(string.Create(CultureInfo.InvariantCulture, $"{value}{unit}"), out var timeout));
            Assert.True(GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out var again));
            Assert.True(again >= timeout);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_timeout_that_is_over_is_zero() => Assert.Equal("0n", GrpcTimeout.Format(TimeSpan.FromSeconds(-1)));

    [Fact]
    public void A_message_survives_the_header() =>
        Prop.ForAll(Texts.ToArbitrary(), text =>
        {
            var encoded = PercentEncoding.Encode(text);
            Assert.All(encoded, c => Assert.InRange(c, ' ', '~'));

            // What is no valid UTF-16 has no UTF-8 either.
            Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), PercentEncoding.Decode(encoded));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Decoding_takes_any_text() =>
        Prop.ForAll(Texts.ToArbitrary(), Texts.ToArbitrary(), (left, right) =>
        {
            PercentEncoding.Decode($"{left}%{right}%");
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("100%", "100%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz", "%zz")]
    [InlineData("%C3%B6", "ö")]
    [InlineData("%c3%b6", "ö")]
    [InlineData("ö%25", "ö%")]
    [InlineData("%ff", "\ufffd")]
    public void What_is_no_escape_stays(string text, string decoded) => Assert.Equal(decoded, PercentEncoding.Decode(text));
}
