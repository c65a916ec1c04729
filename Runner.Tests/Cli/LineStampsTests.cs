using System.Text;
using Runner.Cli;

namespace Runner.Tests.Cli;

public sealed class LineStampsTests
{
    private static readonly DateTimeOffset s_first = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), s_second = s_first.AddMicroseconds(1_500_001);

    private const string First = "2026-01-31T12:00:00.000000Z ", Second = "2026-01-31T12:00:01.500001Z ";

    [Fact]
    public void Each_line_gets_the_time_of_its_first_byte_and_a_line_in_parts_only_one()
    {
        var stamps = new LineStamps();
        Assert.Equal($"{First}one\n{First}tw", Stamp(stamps, "one\ntw", s_first));
        Assert.Equal($"o\n{Second}\n{Second}three\n", Stamp(stamps, "o\n\nthree\n", s_second));
        Assert.Equal($"{Second}end", Stamp(stamps, "end", s_second));
        Assert.Equal("", Stamp(stamps, "", s_first));
    }

    [Fact]
    public void Bytes_stay_what_they_are()
    {
        var bytes = Enumerable.Range(0, 256).Select(i => (byte)i).Where(b => b != '\n').ToArray();
        Assert.Equal([.. Encoding.ASCII.GetBytes(First), .. bytes], new LineStamps().Stamp(bytes, s_first).ToArray());
    }

    private static string Stamp(LineStamps stamps, string text, DateTimeOffset time) => Encoding.ASCII.GetString(stamps.Stamp(Encoding.ASCII.GetBytes(text), time));
}
